"""The example class book, and the program that makes it (`python -m documents.examples.generate`)."""
