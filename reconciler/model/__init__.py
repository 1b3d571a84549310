"""The nouns: small frozen values that every room speaks. No file, no network, no third-party package."""
