"""What the writer of an unknown metric may have meant: other libraries' names for ours. Imports nothing but `re`."""

import difflib
import re

from hpsearch.errors import nearest
from hpsearch.metrics.kinds import AVERAGED, AVERAGES, KINDS

NAMES = (*KINDS, *(f"{kind}_{average}" for kind in AVERAGED for average in AVERAGES))
"""All names of metrics without an option that is a number."""

_ROWS = (
    ("accuracy", "acc accuracy_rate categorical_accuracy binary_accuracy sparse_categorical_accuracy val_accuracy"),
    ("accuracy", "error error_rate misclassification zero_one zero_one_loss"),
    ("balanced_accuracy", "bacc bal_acc balanced_acc ba uar"),
    ("f1", "f_1 fscore f_score f_measure f1score fbeta dice"),
    ("f1_macro", "macro_f1"),
    ("f1_micro", "micro_f1"),
    ("f1_weighted", "weighted_f1"),
    ("precision", "prec ppv positive_predictive_value"),
    ("recall", "sensitivity tpr true_positive_rate hit_rate"),
    (
        "roc_auc",
        "auc auroc rocauc roc roc_auc_ovr roc_auc_ovo roc_auc_ovr_weighted roc_auc_ovo_weighted area_under_curve",
    ),
    ("average_precision", "ap map aupr auprc pr_auc auc_pr prauc"),
    ("log_loss", "logloss cross_entropy crossentropy ce nll bce binary_crossentropy categorical_crossentropy"),
    ("log_loss", "neg_log_likelihood negative_log_likelihood sparse_categorical_crossentropy mlogloss"),
    ("brier", "brier_score brier_score_loss brier_loss"),
    ("matthews_corrcoef", "mcc matthews phi matthews_correlation matthews_correlation_coefficient"),
    ("cohen_kappa", "kappa cohens_kappa"),
    ("top_5_accuracy", "top_k topk top5 top_5 topk_accuracy top5_accuracy acc5 top_k_categorical_accuracy"),
    ("rmse", "root_mean_squared_error root_mean_square_error rms rmsd"),
    ("mse", "mean_squared_error mean_square_error squared_error l2"),
    ("mae", "mean_absolute_error absolute_error l1"),
    ("median_absolute_error", "medae median_ae medianae"),
    ("r2", "r_2 rsquared r_squared rsq coefficient_of_determination explained_variance"),
    ("mape", "mean_absolute_percentage_error"),
    ("pinball_0.5", "quantile quantile_loss mean_pinball_loss pinball_loss mean_pinball"),
    ("loss", "val_loss validation_loss eval_loss"),
    ("cost", "val_cost regularised_loss"),
)
"""Our names, and what others call them. scikit-learn's neg_… and …_score are looked up without these parts."""

SYNONYMS = {other: ours for ours, others in _ROWS for other in others.split()}


def did_you_mean(given: str) -> str:
    """Return the end of the message that `given` is no metric, for another's name or a typing error.

    >>> did_you_mean("neg_mean_squared_error"), did_you_mean("rsme")
    ("; did you mean 'mse'?", "; did you mean 'rmse'?")
    """
    plain = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_").removeprefix("neg_")
    for one in (plain, *(plain.removesuffix(end) for end in ("_score", "_loss", "_error", "_score_loss"))):
        if found := _ours(one):
            return f"; did you mean {found!r}?"
    near = difflib.get_close_matches(plain, [*NAMES, *SYNONYMS], n=1)
    return f"; did you mean {SYNONYMS.get(near[0], near[0])!r}?" if near else nearest(plain, KINDS)


def _ours(one: str) -> str | None:
    """Our name for exactly this one, also with an average at its end."""
    if one in NAMES or one in SYNONYMS:
        return SYNONYMS.get(one, one)
    head, _, average = one.rpartition("_")
    ours = f"{SYNONYMS.get(head.removesuffix('_score'), head.removesuffix('_score'))}_{average}"
    return ours if ours in NAMES else None
