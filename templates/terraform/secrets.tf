# The secrets alone. Their versions, the values, are set outside, so that no state file holds them:
#   gcloud secrets versions add NAME-site-id --data-file=-

resource "google_secret_manager_secret" "site_id" {
  project   = var.project
  secret_id = "${var.name}-site-id"
  labels    = var.labels

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret" "api_key" {
  project   = var.project
  secret_id = "${var.name}-api-key"
  labels    = var.labels

  replication {
    auto {}
  }
}
