"""Raw input to `Message`, one module a channel."""
