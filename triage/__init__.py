"""What happens to one message: the core, which knows neither models nor the knowledge base."""
