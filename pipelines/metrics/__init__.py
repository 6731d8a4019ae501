"""How good a prediction is: point errors, quantile losses, calibration, ranking. numpy arrays in, floats out."""
