"""`python -m model_signing`, where `weighbridge.compat.drop_in.PATH` is in `PYTHONPATH`."""

from weighbridge.compat.model_signing.command import main

if __name__ == "__main__":
    main()
