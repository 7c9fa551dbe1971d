"""Other scanners, asked as further evidence: run confined, read strictly; they can only add."""
