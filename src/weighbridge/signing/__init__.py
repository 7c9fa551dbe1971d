"""OpenSSF Model Signing: make signatures, and verify them against an expected identity."""
