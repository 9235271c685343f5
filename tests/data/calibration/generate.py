"""Writes cases.json: what scipy and scikit-learn make of made logits, by other ways than the product's.

Temperature and bias by scipy's BFGS and, unsmoothed, by scikit-learn's logistic regression; intervals and promises by scipy's beta distribution, which the
product reaches by sums of the binomial one; the calibration error by numpy. Debian: apt-get install python3-scipy python3-sklearn; then python3 generate.py.
"""

import json
import pathlib

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss


def fit(logits, labels):
    """Platt's targets, classes of the same weight. Returns slope and offset."""
    forged, authentic = labels.sum(), (1 - labels).sum()
    target = np.where(labels == 1, (forged + 1) / (forged + 2), 1 / (authentic + 2))
    weight = np.where(labels == 1, 0.5 / forged, 0.5 / authentic)

    def loss(parameters):
        z = parameters[0] * logits + parameters[1]
        return np.sum(weight * (np.logaddexp(0, z) - target * z))

    def gradient(parameters):
        miss = weight * (expit(parameters[0] * logits + parameters[1]) - target)
        return np.array([np.sum(miss * logits), np.sum(miss)])

    best = minimize(loss, [1.0, 0.0], jac=gradient, method="BFGS", options={"gtol": 1e-13, "maxiter": 10000})
    return best.x


def errors(logits, labels):
    """Log loss and expected calibration error over ten bins, classes of the same weight."""
    scores = expit(logits)
    weight = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    bins = np.minimum((scores * 10).astype(int), 9)
    error = 0.0
    for index in np.unique(bins):
        here = bins == index
        share = weight[here] / weight[here].sum()
        error += weight[here].sum() * abs(share @ scores[here] - share @ labels[here])
    return log_loss(labels, scores, sample_weight=weight, eps=1e-300), error


def allowed(rate, confidence, sample):
    """Largest k such that the share beyond the (k + 1)th largest of a sample keeps the promise; -1: none does."""
    best = -1
    for k in range(sample):
        share = beta(k + 1, sample - k)
        if (share.mean() <= rate + 1e-12) if confidence is None else (share.cdf(rate) >= confidence - 1e-12):
            best = k
    return best


def main():
    rng = np.random.default_rng(20261127)
    fits = []
    for name, authentic, forged, shift, spread in [
        ("overlapping", 400, 60, 2.0, 1.5),
        ("few", 10, 10, 1.0, 1.0),
        ("overconfident", 150, 150, 8.0, 6.0),
        ("separable", 40, 25, 12.0, 0.5),
        ("tiny scale", 50, 50, 0.004, 0.003),
        ("far from zero", 80, 120, 3.0, 2.0),
    ]:
        centre = 500.0 if name == "far from zero" else 0.0
        logits = np.concatenate([rng.normal(centre, spread, authentic), rng.normal(centre + shift, spread, forged)])
        labels = np.concatenate([np.zeros(authentic), np.ones(forged)])
        # BFGS wants logits of a usual size; the fit is the same in any.
        scale, middle = logits.std(), logits.mean()
        slope, offset = fit((logits - middle) / scale, labels)
        case = {
            "name": name,
            "logits": logits.tolist(),
            "labels": labels.astype(int).tolist(),
            "slope": slope / scale,
            "offset": offset - slope * middle / scale,
        }
        fitted = case["slope"] * logits + case["offset"]
        case["log_loss"], case["calibration_error"] = errors(fitted, labels)
        fits.append(case)

    # Without smoothing, on many pictures, scikit-learn finds nearly the same: that the weights are right.
    logits = np.concatenate([rng.normal(0, 1.5, 40000), rng.normal(2, 1.5, 8000)])
    labels = np.concatenate([np.zeros(40000), np.ones(8000)])
    plain = LogisticRegression(penalty="none", class_weight="balanced", tol=1e-10, max_iter=1000).fit(logits[:, None], labels)
    slope, offset = fit(logits, labels)
    assert abs(plain.coef_[0, 0] - slope) < 2e-3 and abs(plain.intercept_[0] - offset) < 2e-3, (plain.coef_, slope, plain.intercept_, offset)

    intervals = [
        {
            "count": count,
            "of": of,
            "low": 0.0 if count == 0 else beta.ppf(0.025, count, of - count + 1),
            "high": 1.0 if count == of else beta.ppf(0.975, count + 1, of - count),
        }
        for count, of in [(0, 1), (1, 1), (0, 59), (3, 60), (5, 100), (50, 100), (99, 100), (100, 100), (500, 10000), (0, 100000), (2500, 50000)]
    ]
    promises = [
        {"rate": rate, "confidence": confidence, "sample": sample, "allowed": allowed(rate, confidence, sample)}
        for rate, confidence, sample in [
            (0.05, None, 18), (0.05, None, 19), (0.05, None, 39), (0.05, None, 100), (0.01, None, 98), (0.01, None, 99), (0.2, None, 4), (0.2, None, 3),
            (0.05, 0.95, 58), (0.05, 0.95, 59), (0.05, 0.95, 93), (0.05, 0.95, 400), (0.01, 0.9, 229), (0.01, 0.9, 230), (0.1, 0.99, 200), (0.5, None, 1),
        ]
    ]
    text = json.dumps({"fits": fits, "intervals": intervals, "promises": promises}, indent=1)
    pathlib.Path(__file__).with_name("cases.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
