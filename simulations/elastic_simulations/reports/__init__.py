"""Results as one self-contained HTML page with plots; needs the extra `report`, which is imported here only."""
