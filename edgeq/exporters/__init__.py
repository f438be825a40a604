"""Graph → other formats."""
