"""The report of a preparation leaves no file out."""

from aligning import write_two_faces
from facefill.preparation.report import report
from photos import faces_tree


def test_the_report_accounts_for_every_file(prepare):
    faces_tree(prepare.photos, ["Ann/1.png", "Bob/1.png"], ["Bob/2.png"])
    (prepare.photos / "copy.png").write_bytes(
        (prepare.photos / "Ann/1.png").read_bytes()
    )
    manifest = prepare.ingest()
    aligned = prepare()
    table = aligned[aligned["status"] == "aligned"].assign(
        split="train", reason="", duplicate="", duplicate_of=""
    )
    assert report(manifest, aligned, table) == {
        "num_files": 4,
        "num_aligned": 3,
        "aligned_fraction": 0.75,
        "num_rejected": 1,
        "rejected": {"no_face": 1},
        "num_faces": 3,
        "rejected_faces": {},
        "num_several_faces": 0,
        "exact_duplicates": {"copy.png": "Ann/1.png"},
        "near_duplicates": {},
        "splits": {"train": 3},
        "left_out": {},
    }
    table.loc[table.index[0], ["split", "reason"]] = "", "blurred"
    counts = report(manifest, aligned, table)
    assert counts["splits"] == {"train": 2, "left_out": 1}
    assert counts["left_out"] == {"blurred": 1}


def test_the_report_counts_photos_and_faces_apart(prepare):
    write_two_faces(prepare.photos / "two.png")
    faces_tree(prepare.photos, ["one.png"], ["none.png"])
    manifest = prepare.ingest()
    aligned = prepare(multiple_faces="all")
    table = aligned[aligned["status"] == "aligned"].assign(
        split="train", reason="", duplicate="", duplicate_of=""
    )
    counts = report(manifest, aligned, table)
    assert (counts["num_files"], counts["num_aligned"], counts["num_faces"]) == (
        3,
        2,
        3,
    )
    assert counts["num_rejected"] == sum(counts["rejected"].values()) == 1
    assert counts["num_several_faces"] == 1
