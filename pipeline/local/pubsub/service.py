"""The gRPC methods of ``google.pubsub.v1.Publisher`` and ``google.pubsub.v1.Subscriber``.

google-cloud-pubsub has no servicer classes, so the methods are registered by their names.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from pipeline.local.pubsub import limits, wire
from pipeline.local.pubsub.broker import Broker, Traffic
from pipeline.local.pubsub.model import Consumer
from pipeline.local.pubsub.rpc import CallContext, stream, unary
from pipeline.local.pubsub.streaming import streaming_pull

_SHARE_OF_CLIENT_DEADLINE = 0.9
"""A held pull answers before its client gives up, so that the answer can still arrive."""

_Topic = types.Topic.pb()


class PublisherService:
    """Topics and publishing; ``traffic`` is what messages go through on their way to the broker."""

    def __init__(self, broker: Broker, traffic: Traffic | None = None) -> None:
        self._broker = broker
        self._traffic = traffic or broker

    def handlers(self) -> Any:
        """The generic handler to give to ``grpc.server``."""
        return grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Publisher",
            {
                "CreateTopic": unary(self.create_topic, types.Topic),
                "GetTopic": unary(self.get_topic, types.GetTopicRequest),
                "ListTopics": unary(self.list_topics, types.ListTopicsRequest),
                "DeleteTopic": unary(self.delete_topic, types.DeleteTopicRequest),
                "Publish": unary(self.publish, types.PublishRequest),
                "ListTopicSubscriptions": unary(
                    self.list_topic_subscriptions, types.ListTopicSubscriptionsRequest
                ),
            },
        )

    def create_topic(self, request: Any, _: CallContext) -> Any:
        self._broker.create_topic(wire.topic_name(request))
        return _Topic(name=request.name)

    def get_topic(self, request: Any, _: CallContext) -> Any:
        self._broker.check_topic(request.topic)
        return _Topic(name=request.topic)

    def list_topics(self, request: Any, _: CallContext) -> Any:
        names, token = wire.page(
            self._broker.topics(request.project), request.page_size, request.page_token
        )
        return types.ListTopicsResponse.pb()(
            topics=[_Topic(name=name) for name in names], next_page_token=token
        )

    def delete_topic(self, request: Any, _: CallContext) -> Any:
        self._broker.delete_topic(request.topic)
        return Empty()

    def publish(self, request: Any, _: CallContext) -> Any:
        drafts = wire.drafts(request.messages)
        limits.check_publish(drafts, request.ByteSize())
        return types.PublishResponse.pb()(message_ids=self._traffic.publish(request.topic, drafts))

    def list_topic_subscriptions(self, request: Any, _: CallContext) -> Any:
        names, token = wire.page(
            self._broker.topic_subscriptions(request.topic), request.page_size, request.page_token
        )
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=names, next_page_token=token)


class SubscriberService:
    """Subscriptions and delivery.

    A pull with nothing to hand over is held for ``hold_s`` seconds, but never beyond the client's
    own deadline, and is then answered empty. ``traffic`` is what messages and acknowledgements go
    through on their way from and to the broker.
    """

    def __init__(self, broker: Broker, hold_s: float, traffic: Traffic | None = None) -> None:
        self._broker = broker
        self._traffic = traffic or broker
        self._hold_s = hold_s

    def handlers(self) -> Any:
        """The generic handler to give to ``grpc.server``."""
        return grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Subscriber",
            {
                "CreateSubscription": unary(self.create_subscription, types.Subscription),
                "GetSubscription": unary(self.get_subscription, types.GetSubscriptionRequest),
                "ListSubscriptions": unary(self.list_subscriptions, types.ListSubscriptionsRequest),
                "DeleteSubscription": unary(
                    self.delete_subscription, types.DeleteSubscriptionRequest
                ),
                "Pull": unary(self.pull, types.PullRequest),
                "Acknowledge": unary(self.acknowledge, types.AcknowledgeRequest),
                "ModifyAckDeadline": unary(
                    self.modify_ack_deadline, types.ModifyAckDeadlineRequest
                ),
                "StreamingPull": stream(self.streaming_pull, types.StreamingPullRequest),
            },
        )

    def create_subscription(self, request: Any, _: CallContext) -> Any:
        config = wire.subscription_config(request)
        self._broker.create_subscription(config)
        return wire.subscription(config)

    def get_subscription(self, request: Any, _: CallContext) -> Any:
        return wire.subscription(self._broker.subscription(request.subscription))

    def list_subscriptions(self, request: Any, _: CallContext) -> Any:
        configs = {config.name: config for config in self._broker.subscriptions(request.project)}
        names, token = wire.page(list(configs), request.page_size, request.page_token)
        return types.ListSubscriptionsResponse.pb()(
            subscriptions=[wire.subscription(configs[name]) for name in names],
            next_page_token=token,
        )

    def delete_subscription(self, request: Any, _: CallContext) -> Any:
        self._broker.delete_subscription(request.subscription)
        return Empty()

    def pull(self, request: Any, context: CallContext) -> Any:
        limits.check_pull(request.max_messages)
        name = request.subscription
        limit = min(request.max_messages, limits.MAX_PULL_MESSAGES)
        wait_s = min(self._hold_s, context.time_remaining() * _SHARE_OF_CLIENT_DEADLINE)
        consumer = Consumer()
        if not context.add_callback(partial(self._broker.dismiss, name, consumer)):
            return wire.pull_response([])
        deliveries = self._traffic.pull(
            name, limit, 0.0 if request.return_immediately else wait_s, consumer
        )
        response = wire.pull_response(deliveries)
        if deliveries and not context.is_active():
            ack_ids = [delivery.ack_id for delivery in deliveries]
            self._broker.modify_ack_deadline(name, ack_ids, 0)
        return response

    def acknowledge(self, request: Any, _: CallContext) -> Any:
        limits.check_ack_request(request.ack_ids, request.ByteSize())
        self._traffic.acknowledge(request.subscription, request.ack_ids)
        return Empty()

    def modify_ack_deadline(self, request: Any, _: CallContext) -> Any:
        limits.check_ack_request(request.ack_ids, request.ByteSize())
        self._traffic.modify_ack_deadline(
            request.subscription, request.ack_ids, request.ack_deadline_seconds
        )
        return Empty()

    def streaming_pull(self, requests: Iterator[Any], context: CallContext) -> Iterator[Any]:
        return streaming_pull(self._broker, requests, context, self._traffic)
