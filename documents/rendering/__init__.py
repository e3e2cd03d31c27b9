"""Data to PDF, and the proof that a PDF is what its data says."""
