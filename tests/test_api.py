"""The front door: one photo from Python, without a project."""

import os
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

import facefill
from facefill.errors import MaskError, ModelError, PhotoError
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.models.face_pca import FacePca, measure
from facefill.models.files import write_model
from facefill.parameters import AlignOptions, CompleteOptions
from photos import noise
from projects import ROOT

QUICK = CompleteOptions(iterations=2, batch_size=1, bank_size=0, device="cpu")
PHOTO = skimage.data.astronaut()[:220, 110:330].copy()
HOLE = np.zeros(PHOTO.shape[:2], bool)
HOLE[125:165, 85:145] = True

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Keras, as it writes a model.
    pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def model():
    return facefill.load_model()


@pytest.fixture(scope="module")
def done(model):
    return facefill.complete(PHOTO, HOLE, model=model, options=QUICK)


def test_a_photo_is_completed_in_its_own_size_and_nothing_else_of_it_changes(done):
    assert done.photo.shape == PHOTO.shape
    assert done.photo.dtype == np.uint8
    assert np.array_equal(done.photo[~HOLE], PHOTO[~HOLE])
    assert not np.array_equal(done.photo[HOLE], PHOTO[HOLE])
    for picture in (done.known, done.generated, done.completed, done.blended):
        assert picture.shape == (64, 64, 3)
    assert len(done.candidates) == len(done.alternatives) == 1
    assert np.isfinite(done.loss)


def test_paths_arrays_and_pictures_of_masks_give_the_same(done, model, tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    levels = np.where(HOLE, 255, 0).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "mask.png")
    rgba = np.dstack([np.full((*HOLE.shape, 3), 255, np.uint8), levels])
    for mask in (str(tmp_path / "mask.png"), tmp_path / "mask.png", levels, rgba):
        found = facefill.complete(
            tmp_path / "photo.png", mask, model=model, options=QUICK
        )
        assert np.array_equal(found.photo, done.photo)


def test_nearly_all_of_a_hole_within_the_face_is_filled_by_it(done):
    assert len(done.faces) == 1
    assert 0.9 < done.by_face <= 1.0
    assert done.by_face + done.by_inpainting == pytest.approx(1.0)
    assert done.left == 0.0
    assert np.array_equal(done.hole, HOLE)


def test_what_is_under_the_hole_does_not_matter(done, model):
    for colour in ([255, 0, 255], [0, 0, 0]):
        painted = np.where(HOLE[..., None], np.uint8(colour), PHOTO)
        found = facefill.complete(painted, HOLE, model=model, options=QUICK)
        assert np.array_equal(found.photo, done.photo)
        assert found.loss == done.loss


def test_the_whole_hole_is_filled_by_faces_and_inpainting_or_left(model):
    hole = HOLE.copy()
    hole[140:, 100:] = True
    found = facefill.complete(PHOTO, hole, model=model, options=QUICK)
    assert found.by_face + found.by_inpainting == pytest.approx(1.0)
    assert 0.0 < found.by_face < 1.0
    assert found.left == 0.0
    assert np.array_equal(found.photo[~hole], PHOTO[~hole])
    assert (found.photo != PHOTO)[hole].any(axis=1).mean() > 0.8
    leave = QUICK.model_copy(update={"outside": "leave"})
    left = facefill.complete(PHOTO, hole, model=model, options=leave)
    assert left.by_inpainting == 0.0
    assert left.left == pytest.approx(1.0 - left.by_face)
    assert left.left > 0.0
    assert np.array_equal(left.photo[~left.hole], PHOTO[~left.hole])


def test_a_hole_that_touches_no_face_is_inpainted(model):
    beside = np.zeros_like(HOLE)
    beside[2:30, 2:30] = True
    empty = noise(80, 80)
    for photo, hole in ((PHOTO, beside), (empty, beside[:80, :80])):
        found = facefill.complete(photo, hole, model=model, options=QUICK)
        assert (found.faces, found.by_inpainting, found.left) == ((), 1.0, 0.0)
        assert np.array_equal(found.photo[~hole], photo[~hole])
        assert not np.array_equal(found.photo[hole], photo[hole])
        with pytest.raises(PhotoError, match="touches no face"):
            found.known  # noqa: B018
    leave = QUICK.model_copy(update={"outside": "leave"})
    with pytest.raises(MaskError, match=r"complete\.outside"):
        facefill.complete(PHOTO, beside, model=model, options=leave)
    with pytest.raises(PhotoError, match="no_face"):
        facefill.complete(empty, beside[:80, :80], model=model, options=leave)


def test_a_hole_across_two_faces_is_filled_from_both(model):
    eye = np.zeros_like(HOLE)
    eye[92:112, 80:108] = True
    photo, hole = np.hstack([PHOTO, PHOTO]), np.hstack([eye, eye])
    alignment = AlignOptions(multiple_faces="all")
    found = facefill.complete(
        photo, hole, model=model, options=QUICK, alignment=alignment
    )
    assert [face.face.face_id for face in found.faces] == ["photo", "photo#2"]
    assert (found.by_face, found.left) == (1.0, 0.0)
    assert np.array_equal(found.photo[~hole], photo[~hole])


def test_a_grey_photo_stays_grey(model):
    grey = np.repeat(PHOTO[..., 1:2], 3, axis=2)
    for mask in (HOLE, "center"):
        found = facefill.complete(grey, mask, model=model, options=QUICK)
        assert not np.array_equal(found.photo, grey)
        assert (np.ptp(found.photo, axis=2) == 0).all()


def test_the_photo_itself_may_show_its_hole(done, model, tmp_path):
    alpha = np.where(HOLE, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([PHOTO, alpha])).save(tmp_path / "alpha.png")
    painted = np.where(HOLE[..., None], np.uint8([255, 0, 255]), PHOTO)
    Image.fromarray(painted).save(tmp_path / "colour.png")
    for name in ("alpha", "colour"):
        path = tmp_path / f"{name}.png"
        found = facefill.complete(path, name, model=model, options=QUICK)
        assert np.array_equal(found.hole, HOLE)
        assert np.array_equal(found.photo, done.photo)


def test_a_file_is_saved_as_it_came_but_for_its_hole(model, tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    path = tmp_path / "photo.jpg"
    Image.fromarray(PHOTO).save(path, quality=92, exif=exif)
    found = facefill.complete(path, HOLE, model=model, options=QUICK)
    # JPEG smears what is painted, so the hole is grown.
    assert found.hole.sum() > HOLE.sum()
    assert found.hole[HOLE].all()
    found.save(tmp_path / "whole.jpg")
    with Image.open(tmp_path / "whole.jpg") as image, Image.open(path) as before:
        assert image.getexif()[0x010F] == "a camera"
        assert image.quantization == before.quantization


def test_lam_weighs_the_perceptual_loss(done, model):
    other = facefill.complete(PHOTO, HOLE, 5.0, model=model, options=QUICK)
    best = other.candidates[0]
    assert other.loss == pytest.approx(best.contextual + 5.0 * best.perceptual)
    first = done.candidates[0]
    assert done.loss == pytest.approx(first.contextual + 0.1 * first.perceptual)


def test_a_shape_hides_a_part_of_the_face(model):
    found = facefill.complete(PHOTO, "center", model=model, options=QUICK)
    assert (found.known[16:48, 16:48] == 128).all()


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "new/out.webp"])
def test_the_result_is_saved_as_its_name_says(done, tmp_path, name):
    done.save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.size == (220, 220)
        if name.endswith("png"):
            assert np.array_equal(np.asarray(image), done.photo)


def test_a_name_without_an_ending_is_an_error(done, tmp_path):
    with pytest.raises(PhotoError, match="unsupported"):
        done.save(tmp_path / "out")


@pytest.mark.parametrize(
    ("photo", "mask", "error", "text"),
    [
        ("absent.png", HOLE, PhotoError, "unopenable"),
        (noise(80, 80), "center", PhotoError, "no_face"),
        (PHOTO.astype(float), HOLE, PhotoError, "float64"),
        (PHOTO, "absent.png", MaskError, "cannot be read"),
        (PHOTO, ~np.ones_like(HOLE), MaskError, "hides nothing"),
        (PHOTO, np.ones_like(HOLE), MaskError, "whole photo.*wrong way round"),
        (PHOTO, HOLE[:150], MaskError, "220x150, its photo 220x220"),
        (PHOTO, HOLE.astype(float), MaskError, "float64"),
    ],
)
def test_what_cannot_be_completed_is_an_error_that_says_why(
    model, photo, mask, error, text
):
    with pytest.raises(error, match=text):
        facefill.complete(photo, mask, model=model, options=QUICK)


def test_faces_are_aligned_as_the_pipelines_do():
    (face,) = facefill.align(PHOTO)
    assert face.pixels.shape == (64, 64, 3)
    assert face.matrix.shape == (2, 3)
    assert face.landmarks.shape == (68, 2)
    (small,) = facefill.align(PHOTO, size=32)
    assert small.pixels.shape == (32, 32, 3)
    assert facefill.align(noise(80, 80)) == []
    square = AlignOptions(method="center_crop")
    assert facefill.align(noise(80, 90), options=square)[0].pixels.shape == (64, 64, 3)


def test_samples_are_those_of_the_seed(model):
    two = facefill.sample(2, model=model)
    assert two.shape == (2, 64, 64, 3)
    assert two.dtype == np.uint8
    more = facefill.sample(3, model=model)
    # Convolutions round otherwise in batches of another size.
    assert np.abs(more[:2].astype(int) - two).max() <= 1
    assert not np.array_equal(facefill.sample(2, model=model, seed=2), two)


def test_a_model_is_loaded_once_and_an_absent_one_is_an_error(tmp_path):
    assert facefill.load_model("pretrained") is facefill.load_model()
    with pytest.raises(ModelError, match="no model at"):
        facefill.load_model(tmp_path)


def write_networks(folder, seed):
    """Write the networks of a training that lasted no step."""
    sizes = Architecture(
        image_size=16, latent_size=4, generator_width=4, discriminator_width=4
    )
    write_model(build_generator(sizes, seed), folder / "generator.keras")
    write_model(build_discriminator(sizes, seed), folder / "discriminator.keras")


def test_a_model_that_was_trained_anew_is_loaded_anew(tmp_path):
    write_networks(tmp_path, seed=1)
    first = facefill.load_model(tmp_path)
    assert facefill.load_model(str(tmp_path)) is first

    write_networks(tmp_path, seed=2)
    second = facefill.load_model(tmp_path)

    kernels = [model.generator.get_weights()[0] for model in (first, second)]
    assert not np.array_equal(*kernels)
    assert second.statistics is None
    faces = noise(48, 16).reshape(3, 16, 16, 3)
    statistics = measure(faces, 2, np.random.default_rng(0))
    (tmp_path / "face_statistics.npz").write_bytes(statistics.packed())
    found = facefill.load_model(tmp_path).statistics
    assert found.fingerprint == FacePca.unpacked(statistics.packed()).fingerprint


def test_a_relative_folder_is_that_of_the_current_one(tmp_path, monkeypatch):
    loaded = []
    for seed, name in enumerate(("one", "other")):
        write_networks(tmp_path / name / "models", seed)
        monkeypatch.chdir(tmp_path / name)
        loaded.append(facefill.load_model("models").generator.get_weights()[0])
    assert not np.array_equal(*loaded)


def test_damaged_statistics_are_named(tmp_path):
    write_networks(tmp_path, seed=1)
    (tmp_path / "face_statistics.npz").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"face_statistics\.npz is damaged"):
        facefill.load_model(tmp_path)


def test_importing_the_package_loads_nothing_that_takes_time():
    heavy = ["numpy", "keras", "tensorflow", "mlflow", "kedro", "cv2", "dlib", "PIL"]
    script = (
        "import sys, facefill; assert 'complete' in dir(facefill);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        facefill.nothing  # noqa: B018


def test_three_lines_complete_a_photo_outside_of_any_project(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "photo.jpg", quality=95)
    Image.fromarray(np.where(HOLE, 255, 0).astype(np.uint8)).save(tmp_path / "mask.png")
    script = (
        "import facefill; from facefill.parameters import CompleteOptions;"
        "r = facefill.complete('photo.jpg', 'mask.png',"
        " options=CompleteOptions(iterations=2, bank_size=0)); r.save('out.png')"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
        capture_output=True,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mask.png",
        "out.png",
        "photo.jpg",
    ]
