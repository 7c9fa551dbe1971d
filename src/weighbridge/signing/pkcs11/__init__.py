"""The PKCS#11 methods: a key that stays in a hardware token, found by its URI."""
