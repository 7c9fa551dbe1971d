"""What the scanner finds and what it lets pass, beside other scanners, on samples made here."""
