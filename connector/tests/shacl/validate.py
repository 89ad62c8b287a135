"""Checks an RDF document against the SHACL shapes of a folder: `validate.py SHAPES DOCUMENT.ttl`.

Ends with 0 when there is no violation, else with 1 and each violation on a line. What is only recommended is counted, not demanded.
"""
import pathlib
import sys

import pyshacl
import rdflib

SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
SERVICE = "https://semiceu.github.io/DCAT-AP/releases/3.0.1#dcat:DataServiceShape/"
# Upstream's defects: property shapes that are named and stand nowhere, over which pySHACL stops. What is not a defect any more is to be
# taken off this list, and a new one is to be seen.
NOWHERE = {
    SERVICE + "dc08f4dca4377fade57f89454e3fa06a8389d314",
    SERVICE + "eb3ac4e4fdde2e2588a9502c5956060a18c5c99f",
}


def without_defects(shapes):
    nowhere = {shape for shape in shapes.objects(None, SH.property) if not list(shapes.objects(shape, SH.path))}
    if {str(shape) for shape in nowhere} != NOWHERE:
        sys.exit(f"the defects of the shapes are others than is known: {sorted(nowhere)}")
    for shape in nowhere:
        shapes.remove((None, SH.property, shape))


def main(folder, document):
    shapes = rdflib.Graph()
    for file in sorted(pathlib.Path(folder).glob("*.ttl")):
        shapes.parse(file, format="turtle")
    without_defects(shapes)
    data = rdflib.Graph().parse(document, format="turtle")
    _, report, _ = pyshacl.validate(
        data, shacl_graph=shapes, advanced=True, do_owl_imports=False, allow_infos=True, allow_warnings=True
    )
    counts = {"Violation": 0, "Warning": 0, "Info": 0}
    for result in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        severity = str(report.value(result, SH.resultSeverity)).rpartition("#")[2]
        counts[severity] += 1
        if severity == "Violation":
            path, focus = report.value(result, SH.resultPath), report.value(result, SH.focusNode)
            kinds = ", ".join(str(kind) for kind in data.objects(focus, rdflib.RDF.type))
            why = report.value(result, SH.sourceConstraintComponent)
            value = report.value(result, SH.value)
            print(f"{focus} ({kinds}): {path}: {why.rpartition('#')[2]} {value or ''}")
    print(f"{len(data)} triples: {counts['Violation']} violations, {counts['Warning']} warnings")
    return 1 if counts["Violation"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
