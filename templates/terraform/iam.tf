# Who may do what. README.md has the reason of each role; nothing else is granted.

data "google_project" "this" {
  project_id = var.project
}

resource "google_service_account" "launcher" {
  project      = var.project
  account_id   = "${var.account_prefix}-launcher"
  display_name = "Starts, updates and drains ${var.name}"
}

resource "google_service_account" "worker" {
  project      = var.project
  account_id   = "${var.account_prefix}-worker"
  display_name = "Workers of ${var.name}"
}

locals {
  launcher = "serviceAccount:${google_service_account.launcher.email}"
  worker   = "serviceAccount:${google_service_account.worker.email}"
  pubsub   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# The launcher.

resource "google_project_iam_member" "launcher_dataflow" {
  project = var.project
  role    = "roles/dataflow.developer"
  member  = local.launcher
}

resource "google_service_account_iam_member" "launcher_acts_as_worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = local.launcher
}

resource "google_storage_bucket_iam_member" "launcher_reads_template" {
  bucket = var.bucket
  role   = "roles/storage.objectViewer"
  member = local.launcher
}

# The workers, and the machine that puts the job together, which runs as they do.

resource "google_project_iam_member" "worker_dataflow" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = local.worker
}

resource "google_storage_bucket_iam_member" "worker_stages" {
  bucket = var.bucket
  role   = "roles/storage.objectAdmin"
  member = local.worker
}

resource "google_artifact_registry_repository_iam_member" "worker_image" {
  project    = var.project
  location   = var.image_repository.location
  repository = var.image_repository.repository
  role       = "roles/artifactregistry.reader"
  member     = local.worker
}

resource "google_pubsub_subscription_iam_member" "worker_reads" {
  project      = var.project
  subscription = google_pubsub_subscription.records.name
  role         = "roles/pubsub.subscriber"
  member       = local.worker
}

resource "google_pubsub_subscription_iam_member" "worker_looks" {
  project      = var.project
  subscription = google_pubsub_subscription.records.name
  role         = "roles/pubsub.viewer"
  member       = local.worker
}

resource "google_pubsub_topic_iam_member" "worker_dead_letters" {
  project = var.project
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = local.worker
}

resource "google_secret_manager_secret_iam_member" "worker_credentials" {
  for_each = {
    site_id = google_secret_manager_secret.site_id.secret_id
    api_key = google_secret_manager_secret.api_key.secret_id
  }

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = local.worker
}

resource "google_secret_manager_secret_iam_member" "worker_salts" {
  # Without their versions: two of them may be of one secret.
  for_each = toset([
    for reference in var.hash_salts : regex("^secret://(.+)/versions/", reference)[0]
  ])

  project   = split("/", each.value)[1]
  secret_id = split("/", each.value)[3]
  role      = "roles/secretmanager.secretAccessor"
  member    = local.worker
}

# Pub/Sub itself, which moves what it gives up.

resource "google_pubsub_topic_iam_member" "forward" {
  project = var.project
  topic   = google_pubsub_topic.undelivered.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub
}

resource "google_pubsub_subscription_iam_member" "forward" {
  project      = var.project
  subscription = google_pubsub_subscription.records.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}

# Amplitude.

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.records.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}
