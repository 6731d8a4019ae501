"""How good a prediction is: point errors, quantile losses, calibration. numpy arrays in, floats out."""
