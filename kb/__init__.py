"""The knowledge base: articles, sections, index, search."""
