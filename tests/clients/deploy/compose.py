"""Checks a Compose file: the values by the models of Compose's specification, the keys and what they refer to here."""

import sys

import compose_spec
import yaml

KINDS = {"services": compose_spec.Service, "networks": compose_spec.Network, "volumes": compose_spec.Volume}


def keys_of(model):
    return {field.alias or name for name, field in model.model_fields.items()}


def unknown(name, found, model):
    strange = {key for key in found or {} if not key.startswith("x-")} - keys_of(model)
    return [f"{name}: there is no {key}" for key in sorted(strange)]


with open(sys.argv[1], encoding="utf-8") as file:
    document = yaml.safe_load(file)
compose_spec.ComposeSpecification.model_validate(document)
wrong = unknown("the file", document, compose_spec.ComposeSpecification)
for kind, model in KINDS.items():
    for name, found in document.get(kind, {}).items():
        wrong += unknown(f"{kind}.{name}", found, model)
for name, service in document["services"].items():
    wrong += [f"{name} waits for {other}, which is not there" for other in service.get("depends_on", {}) if other not in document["services"]]
    volumes = [volume.split(":")[0] for volume in service.get("volumes", [])]
    wrong += [f"{name}: no volume {volume}" for volume in volumes if not volume.startswith((".", "/")) and volume not in document["volumes"]]
sys.exit("\n".join(wrong) or 0)
