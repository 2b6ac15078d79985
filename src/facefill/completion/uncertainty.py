"""Posterior of a photo's face, from Markov chains: pictures, tables, diagnostics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.imaging.compositing import blend, complete
from facefill.imaging.pictures import encode_png, grid
from facefill.imaging.sheets import heat_map
from facefill.inversion.candidates import Candidate
from facefill.inversion.hmc.summary import Diagnosis, Posterior
from facefill.inversion.measurement import Measurement
from facefill.runtime.tables import as_parquet

MAPS = ("deviation.png", "low.png", "high.png")
"""Pictures of the posterior of a photo: deviation and quantiles."""

SAMPLES = "samples.png"
"""Draws as completed faces, side by side."""

FILES = (*MAPS, SAMPLES, "samples.parquet")
"""All files of a photo that only chains make."""

DEVIATION_TOP = 32.0
"""Standard deviation in grey levels that is drawn brightest."""

COLUMNS = ("acceptance", "r_hat", "effective_size", "divergences", "deviation")
"""Diagnostics of the chains in a row of the completions."""


def posterior_files(posterior: Posterior, target: Measurement) -> dict[str, bytes]:
    """Encode the files of a photo's posterior, by name.

    Known pixels of the quantile maps and of the draws are the face's own.
    """
    face, mask, seen = target.face, target.mask, target.degradation
    draws = [blend(seen, face, frame, mask) for frame in posterior.frames]
    pictures = {
        "deviation.png": heat_map(posterior.deviation.mean(axis=2), DEVIATION_TOP),
        "low.png": complete(seen, face, posterior.low, mask),
        "high.png": complete(seen, face, posterior.high, mask),
        SAMPLES: grid(np.stack(draws), columns=len(draws), gap=0),
    }
    return {name: encode_png(picture) for name, picture in pictures.items()} | {
        "samples.parquet": as_parquet(_draws(posterior))
    }


def _draws(posterior: Posterior) -> pd.DataFrame:
    chains, count = posterior.draws.energies.shape
    variables = posterior.draws.variables.reshape(chains * count, -1)
    return pd.DataFrame(
        {
            "chain": np.repeat(np.arange(chains, dtype=np.int32), count),
            "draw": np.tile(np.arange(count, dtype=np.int32), chains),
            "energy": posterior.draws.energies.ravel(),
            "variables": list(variables),
        }
    )


def describe_chains(best: Candidate, hole: NDArray[np.bool_]) -> dict[str, Any]:
    """Describe the chains in a photo's row; ``None`` where there were none.

    Args:
        best: The first candidate.
        hole: True where the face is hidden, bool (S, S).
    """
    diagnosis: Diagnosis | None = best.diagnosis
    if diagnosis is None:
        return dict.fromkeys(COLUMNS)
    deviation = None
    if best.posterior is not None and hole.any():
        deviation = float(best.posterior.deviation[hole].mean())
    return {
        "acceptance": diagnosis.acceptance,
        "r_hat": diagnosis.r_hat,
        "effective_size": diagnosis.effective_size,
        "divergences": diagnosis.divergences,
        "deviation": deviation,
    }


def report_chains(table: pd.DataFrame) -> dict[str, Any]:
    """Summarise the chains of all photos as JSON; empty if there were none.

    Returns:
        ``hmc`` with the mean acceptance, the largest R-hat, the smallest effective
        sample size and the sum of divergences, and these for each photo.
    """
    rows = table.set_index("id")[list(COLUMNS)]
    rows = rows[rows["acceptance"].notna()]
    if rows.empty:
        return {}
    summary = {
        "acceptance": rows["acceptance"].mean(),
        "r_hat": rows["r_hat"].max(),
        "effective_size": rows["effective_size"].min(),
        "divergences": rows["divergences"].sum(),
        "deviation": rows["deviation"].mean(),
    }
    photos = {str(key): _finite(row) for key, row in rows.to_dict("index").items()}
    return {"hmc": _finite(summary) | {"photos": photos}}


def _finite(values: Mapping[Any, Any]) -> dict[str, float]:
    return {
        str(name): float(value) for name, value in values.items() if np.isfinite(value)
    }
