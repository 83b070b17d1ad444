"""Studies: fields of a spec tuned with Optuna, on the same runs as a grid's; nothing else in the harness imports optuna."""
