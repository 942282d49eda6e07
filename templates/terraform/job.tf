resource "google_dataflow_flex_template_job" "stream" {
  provider = google-beta

  project                 = var.project
  region                  = var.region
  name                    = var.name
  container_spec_gcs_path = var.template
  sdk_container_image     = var.image
  labels                  = var.labels

  # Flags of the program, without their dashes.
  parameters = {
    settings           = var.settings
    input_subscription = google_pubsub_subscription.records.id
    dead_letter_topic  = google_pubsub_topic.dead_letters.id
  }

  service_account_email = google_service_account.worker.email
  machine_type          = var.machine_type
  max_workers           = var.max_workers
  subnetwork            = var.subnetwork
  ip_configuration      = var.public_ips ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE"
  staging_location      = "gs://${var.bucket}/dataflow/staging"
  temp_location         = "gs://${var.bucket}/dataflow/temp"

  enable_streaming_engine = true
  # Events carry an id of their own, so that exactly-once would be paid twice.
  additional_experiments = ["streaming_mode_at_least_once"]

  # What is in flight is settled first; cancelling would send it again, but for people
  # who are remembered: of them Dataflow holds what Pub/Sub no longer has.
  on_delete = "drain"

  depends_on = [
    google_artifact_registry_repository_iam_member.worker_image,
    google_project_iam_member.worker_dataflow,
    google_pubsub_subscription_iam_member.worker_looks,
    google_pubsub_subscription_iam_member.worker_reads,
    google_pubsub_topic_iam_member.worker_dead_letters,
    google_secret_manager_secret_iam_member.worker_credentials,
    google_secret_manager_secret_iam_member.worker_salts,
    google_storage_bucket_iam_member.worker_stages,
  ]
}
