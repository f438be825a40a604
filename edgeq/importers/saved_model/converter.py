"""Runs as a process of its own: `python converter.py FOLDER OUTPUT REFUSAL` writes the SavedModel as a float `.tflite`
file, or a sentence that says why it is not converted.

Nothing but TensorFlow is imported, and only here.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

# No honest model needs these to compute its outputs. Checkpoints are read by RestoreV2, within the folder.
_FORBIDDEN = frozenset(
    {
        "CreateSummaryDbWriter",
        "CreateSummaryFileWriter",
        "DebugIdentity",
        "DebugIdentityV2",
        "EagerPyFunc",
        "FixedLengthRecordDataset",
        "FixedLengthRecordDatasetV2",
        "FixedLengthRecordReader",
        "FixedLengthRecordReaderV2",
        "GenericRpc",
        "IdentityReaderV2",
        "InitializeTableFromTextFile",
        "InitializeTableFromTextFileV2",
        "LMDBReader",
        "LookupTableExport",
        "LookupTableExportV2",
        "MatchingFiles",
        "PrintV2",
        "PyFunc",
        "PyFuncStateless",
        "ReadFile",
        "Recv",
        "RpcCall",
        "RpcClient",
        "RpcServer",
        "Save",
        "SaveSlices",
        "Send",
        "TFRecordDataset",
        "TFRecordReader",
        "TFRecordReaderV2",
        "TextLineDataset",
        "TextLineReader",
        "TextLineReaderV2",
        "WholeFileReader",
        "WholeFileReaderV2",
        "WriteFile",
        "WriteSummary",
        "_Recv",
        "_Send",
    }
)
_INITIALIZER = "__saved_model_init_op"
_MEMORY = 16 << 30
_FILE = 1 << 30


class Refused(Exception):
    """Says in a sentence why the model is not converted."""


def _bound() -> None:
    """Limits what the process can take: bytes of address space and of any file."""
    for kind, amount in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_FSIZE, _FILE), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))


def _signature(model: Any) -> str:
    """The signature to convert; refuses operations that reach outside the model."""
    graphs = [graph for graph in model.meta_graphs if "serve" in graph.meta_info_def.tags]
    if len(graphs) != 1:
        raise Refused(f"the SavedModel has {len(graphs)} graphs tagged 'serve', one is needed")
    definition = graphs[0].graph_def
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    found = sorted({node.op for node in nodes} & _FORBIDDEN)
    if found:
        raise Refused(f"the SavedModel holds operations that reach outside it, which are never run: {', '.join(found)}")
    names = sorted(set(graphs[0].signature_def) - {_INITIALIZER})
    if "serving_default" in names:
        return "serving_default"
    if len(names) != 1:
        raise Refused(
            f"the SavedModel has the signatures {names}, none of which is 'serving_default': save it with one of that "
            "name, or convert the wanted one with TFLiteConverter.from_saved_model(folder, signature_keys=[...])"
        )
    return names[0]


def convert(folder: Path, output: Path) -> None:
    """Raises Refused."""
    _bound()
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((folder / "saved_model.pb").read_bytes())
    except DecodeError:
        raise Refused("saved_model.pb is damaged") from None
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[_signature(model)])
    # what has no operator comes out by its name, so that one error can list all of it
    converter.allow_custom_ops = True
    output.write_bytes(converter.convert())


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except Refused as reason:
        Path(sys.argv[3]).write_text(str(reason))
