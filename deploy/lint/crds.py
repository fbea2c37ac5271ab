"""Checks custom resources against the schemas of their definitions: crds.py DEFINITIONS FILE...

DEFINITIONS is a folder of CustomResourceDefinitions, as the projects publish them. Unknown fields are faults, as the API server's
strict validation has it. Resources that no definition there is for are left to others; but one must be checked at least.
"""

import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator


def strict(schema):
    """The schema with unknown fields forbidden wherever the known ones are listed."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def definitions(folder):
    """Validators by apiVersion and kind."""
    found = {}
    for file in Path(folder).glob("*.yaml"):
        spec = yaml.safe_load(file.read_text())["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = Draft202012Validator(schema)
    return found


def main(folder, files):
    validators, checked, faults = definitions(folder), 0, 0
    for file in files:
        for resource in yaml.safe_load_all(Path(file).read_text()):
            validator = resource and validators.get((resource["apiVersion"], resource["kind"]))
            if not validator:
                continue
            checked += 1
            for fault in validator.iter_errors(resource):
                faults += 1
                print(f"{file}: {resource['kind']} {resource['metadata']['name']}: {fault.json_path}: {fault.message}", file=sys.stderr)
    if faults or not checked:
        sys.exit(f"{faults} faults in {checked} custom resources")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
