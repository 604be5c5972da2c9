"""From the model to the configs that collectors run."""
