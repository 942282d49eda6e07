# Records: Amplitude publishes to the topic, the job reads the subscription.

locals {
  month = "${31 * 24 * 3600}s"
}

resource "google_pubsub_topic" "records" {
  project = var.project
  name    = "${var.name}-records"
  labels  = var.labels
}

resource "google_pubsub_subscription" "records" {
  project = var.project
  name    = "${var.name}-records"
  topic   = google_pubsub_topic.records.id
  labels  = var.labels

  ack_deadline_seconds       = 60
  message_retention_duration = "${var.retention_days * 24 * 3600}s"

  # Never deleted for lack of a reader: a job that is stopped for a month finds it again.
  expiration_policy {
    ttl = ""
  }

  # The most that Pub/Sub allows: an outage of Customer.io must not use the attempts up.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.undelivered.id
    max_delivery_attempts = 100
  }

  depends_on = [google_pubsub_topic_iam_member.forward]
}

# What Pub/Sub gives up after those attempts: messages that crash whoever reads them.

resource "google_pubsub_topic" "undelivered" {
  project = var.project
  name    = "${var.name}-records-undelivered"
  labels  = var.labels
}

# Without a subscription the topic would drop what it is given.
resource "google_pubsub_subscription" "undelivered" {
  project = var.project
  name    = "${var.name}-records-undelivered"
  topic   = google_pubsub_topic.undelivered.id
  labels  = var.labels

  message_retention_duration = local.month

  expiration_policy {
    ttl = ""
  }
}

# The job's own dead letters, each with its reason; `replay` reads the subscription.

resource "google_pubsub_topic" "dead_letters" {
  project = var.project
  name    = "${var.name}-dead-letters"
  labels  = var.labels
}

resource "google_pubsub_subscription" "dead_letters" {
  project = var.project
  name    = "${var.name}-dead-letters"
  topic   = google_pubsub_topic.dead_letters.id
  labels  = var.labels

  ack_deadline_seconds       = 60
  message_retention_duration = local.month

  expiration_policy {
    ttl = ""
  }
}
