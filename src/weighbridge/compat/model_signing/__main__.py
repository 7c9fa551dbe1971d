"""`python -m weighbridge.compat.model_signing`."""

from weighbridge.compat.model_signing.command import main

if __name__ == "__main__":
    main()
