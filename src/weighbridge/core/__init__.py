"""The frozen vocabulary that every stage speaks; standard library only, no I/O."""
