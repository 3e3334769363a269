"""The recipes that made the models in this folder, one file a model or a step."""
