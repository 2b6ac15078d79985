"""Groups of people are told apart by what differs, and not by chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from demographics import lines, person_of, summary


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("29_0_0_2017.jpg.chip.jpg", ("under 30", "men", "white")),
        ("30_1_1_2017.jpg", ("30 to 44", "women", "black")),
        ("45_1_3_2017.jpg", ("45 to 59", "women", "Indian")),
        ("116_0_4_2017.jpg", ("60 and older", "men", "other")),
        ("61_1_20170109.jpg", None),
        ("61_2_0_2017.jpg", None),
        ("face-0001.jpg", None),
    ],
)
def test_groups_are_read_out_of_a_name(name, groups):
    assert person_of(name) == groups


def people_of(count, seed=0):
    """People whose PSNR is 20 and that of women 2 less, and whose LPIPS is noise."""
    draw = np.random.default_rng(seed)
    names = [
        f"{age}_{sex}_{origin}_{number}.jpg"
        for age in (20, 35, 50, 70)
        for sex in (0, 1)
        for origin in range(5)
        for number in range(count)
    ]
    groups = pd.DataFrame([person_of(name) for name in names])
    is_woman = (groups["sex"] == "women").to_numpy()
    return groups.assign(
        id=names,
        hole_psnr=20.0 - 2.0 * is_woman + draw.normal(0.0, 1.0, len(names)),
        lpips_vgg16=draw.normal(0.08, 0.01, len(names)),
    )


def test_a_group_is_apart_by_the_difference_of_the_means_with_welchs_interval():
    table = people_of(4)
    plain = pd.Series(18.0, index=table["id"])
    rows = {row["group"]: row for row in summary(table, plain)}
    assert next(iter(rows)) == "everybody"
    assert rows["everybody"]["people"] == 160
    assert rows["women"]["people"] == 80
    assert rows["black"]["people"] == 32
    women = table["sex"] == "women"
    sides = table["hole_psnr"][women], table["hole_psnr"][~women]
    row = rows["women"]
    assert row["hole_psnr"] == pytest.approx(sides[0].mean())
    assert row["hole_psnr_apart"] == pytest.approx(sides[0].mean() - sides[1].mean())
    # Welch's interval written out.
    parts = [side.var(ddof=1) / len(side) for side in sides]
    freedom = sum(parts) ** 2 / sum(part**2 / 79 for part in parts)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(parts))
    low, high = row["hole_psnr_apart_interval"]
    assert (high - low) / 2 == pytest.approx(half)
    assert (high + low) / 2 == pytest.approx(row["hole_psnr_apart"])
    assert row["hole_psnr_holds"]
    assert rows["men"]["hole_psnr_apart"] == pytest.approx(-row["hole_psnr_apart"])
    assert row["telea_hole_psnr"] == 18.0


def test_noise_holds_in_few_of_many_draws():
    held = [
        row["lpips_vgg16_holds"]
        for seed in range(20)
        for row in summary(people_of(3, seed), pd.Series(0.0, people_of(3, seed)["id"]))
        if row["kind"]
    ]
    # Each of 220 with probability 0.05 / 11: above 5 once in a thousand times.
    assert sum(held) <= 5


def test_the_tables_have_a_line_for_each_group():
    table = people_of(2)
    text = list(lines(summary(table, pd.Series(18.0, index=table["id"]))))
    means = [line for line in text if line.startswith("| women | 40 | ")]
    apart = [line for line in text if line.startswith("| women | -")]
    assert len(means) == len(apart) == 1
    assert "*" in apart[0]
    assert means[0].endswith("| 18.0 |")
