"""How a Python function becomes a gRPC method: protobuf classes, and errors as status codes."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

import grpc

from pipeline.local.pubsub.errors import PubSubError


class CallContext(Protocol):
    """What the methods use of ``grpc.ServicerContext``."""

    def is_active(self) -> bool:
        """Whether the client still waits for an answer."""

    def time_remaining(self) -> float:
        """Seconds until the client gives up; huge when it never does."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Have ``callback`` called when the call ends; False if it has ended already."""

    def abort(self, code: Any, details: str) -> NoReturn:
        """End the call with an error status."""


def unary(method: Callable[[Any, CallContext], Any], request_class: Any) -> Any:
    """A handler of one request and one response; ``request_class`` is the proto-plus class."""

    def handle(request: Any, context: CallContext) -> Any:
        try:
            return method(request, context)
        except PubSubError as error:
            context.abort(grpc.StatusCode[error.status], str(error))

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=request_class.pb().FromString,
        response_serializer=_serialize,
    )


def stream(
    method: Callable[[Iterator[Any], CallContext], Iterator[Any]], request_class: Any
) -> Any:
    """A handler of requests and responses that both stream."""

    def handle(requests: Iterator[Any], context: CallContext) -> Iterator[Any]:
        try:
            yield from method(requests, context)
        except PubSubError as error:
            context.abort(grpc.StatusCode[error.status], str(error))

    return grpc.stream_stream_rpc_method_handler(
        handle,
        request_deserializer=request_class.pb().FromString,
        response_serializer=_serialize,
    )


def _serialize(message: Any) -> Any:
    return message.SerializeToString()
