"""Turn data that fits a schema into a PDF/A-3 with the data attached, the same bytes each time; the assessment rules."""
