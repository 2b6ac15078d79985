"""The project's own catalog, with its data in another place."""

from pathlib import Path

import yaml
from kedro.io import AbstractDataset, DataCatalog

from facefill.hooks.folders import FolderHooks
from projects import ROOT

# Ends of the types of what need not be on this machine.
ANYWHERE = (
    *("TableDataset", "ReportDataset", "PictureFolderDataset"),
    *("FigureDataset", "PageDataset"),
)


def catalog_in(root, pipeline, parameters, place=None):
    """Make the project's own entries for a pipeline, with data below ``root``.

    What may lie elsewhere is in the place, if there is one.
    """
    text = (ROOT / "conf/base/catalog.yml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text.replace("${_data}", str(root)))
    catalog = DataCatalog()
    for name in pipeline.datasets():
        if name in parameters:
            catalog[name] = parameters[name]
        elif not name.startswith("params:"):
            entry = entries[name]
            if place and entry["type"].endswith(ANYWHERE):
                key = "filepath" if "filepath" in entry else "path"
                url = place.url(Path(entry[key]).relative_to(root).as_posix())
                entry |= {key: url, "credentials": place.credentials}
            catalog[name] = AbstractDataset.from_config(name, entry)
    FolderHooks().after_catalog_created(catalog)
    return catalog
