"""Columns of names as codes: frames of millions of rows hold each name once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def coded(codes: np.ndarray, names: Sequence[str] | np.ndarray) -> pd.Categorical:
    """Rows that are called ``names[codes]``, as ``astype("category")`` of these texts: sorted, none that isn't there.

    Args:
        codes: (rows,) places in ``names``.
        names: texts, of which several may be equal.
    """
    used = np.bincount(codes, minlength=len(names)) > 0 if len(codes) else np.zeros(len(names), dtype=bool)
    kept = sorted({str(name) for name, there in zip(names, used, strict=True) if there})
    place = {name: i for i, name in enumerate(kept)}
    # Of as few bytes as the categories need, before there are millions of them.
    small = np.array([place.get(str(name), -1) for name in names], dtype=np.min_scalar_type(-max(len(kept), 1)))
    return pd.Categorical.from_codes(small[codes], pd.Index(kept, dtype="str"), validate=False)


def codes_of(column: pd.Series) -> tuple[np.ndarray, Sequence[str]]:
    """(rows,) codes of a column of texts, and the texts they stand for."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), [str(name) for name in column.cat.categories]
    codes, names = pd.factorize(column)
    return codes, [str(name) for name in names]


def together(frame: pd.DataFrame, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are equal in all these columns: a grouping by one number takes a tenth of one by several columns.

    Returns:
        (rows,) number of the group that a row is of, in the order in which groups appear; (groups,) the first row of
        each.
    """
    group = np.zeros(len(frame), dtype=np.int64)
    for name in names:
        codes, texts = codes_of(frame[name])
        # Group numbers stay below the number of rows, so that their product with a column's never overflows.
        group = pd.factorize(group * max(len(texts), 1) + codes)[0]
    return group, np.unique(group, return_index=True)[1]


def among(column: pd.Series, wanted: Sequence[str]) -> np.ndarray:
    """(rows,) bool: whether a row's text is one of these."""
    codes, texts = codes_of(column)
    places = [i for i, text in enumerate(texts) if text in wanted]
    return np.isin(codes, places) if len(places) != 1 else codes == places[0]


def as_codes(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a `coded` column for each of texts."""
    texts = [
        name
        for name in frame.columns
        if isinstance(frame[name].dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(frame[name])
    ]
    return frame.assign(**{name: coded(*codes_of(frame[name])) for name in texts})
