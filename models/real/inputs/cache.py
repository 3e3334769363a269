"""The folder of fetched models, for recipes that run one model to feed another."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime


class Cache:
    """Reads and runs models under `folder`; a session stays open for the next call."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    def path(self, name: str) -> Path:
        return self.folder / "models" / name

    def input_names(self, name: str) -> list[str]:
        """Names of the inputs that have no stored value, in the file's order."""
        graph = onnx.load(self.path(name), load_external_data=False).graph
        stored = {tensor.name for tensor in graph.initializer}
        return [value.name for value in graph.input if value.name not in stored]

    def run(self, name: str, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Returns all outputs of a model."""
        if name not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            self._sessions[name] = onnxruntime.InferenceSession(self.path(name), options)
        return self._sessions[name].run(None, feeds)

    def close(self) -> None:
        """Frees the sessions."""
        self._sessions.clear()
