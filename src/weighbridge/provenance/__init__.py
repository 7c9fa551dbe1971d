"""in-toto statements and SLSA provenance: how an artifact was made."""
