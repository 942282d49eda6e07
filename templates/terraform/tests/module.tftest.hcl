# `terraform test` in the module's directory: plans without Google, by mocks of the providers.

mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }

  mock_resource "google_service_account" {
    defaults = {
      name  = "projects/example-project/serviceAccounts/account@example-project.iam.gserviceaccount.com"
      email = "account@example-project.iam.gserviceaccount.com"
    }
  }
}

mock_provider "google-beta" {}

variables {
  project  = "example-project"
  region   = "europe-west1"
  name     = "stream-eu"
  bucket   = "example-project-dataflow"
  template = "gs://example-project-dataflow/templates/amplitude-to-customerio.json"
  settings = "gs://example-project-dataflow/settings.yaml"
  image    = "europe-west1-docker.pkg.dev/example-project/pipelines/amplitude-to-customerio:1.0.0"

  image_repository = {
    location   = "europe-west1"
    repository = "pipelines"
  }
}

run "everything_under_its_own_name" {
  command = apply

  assert {
    condition     = length(google_monitoring_alert_policy.stream) == length(fileset("../monitoring/alerts", "*.json"))
    error_message = "An alert of templates/monitoring is missing."
  }

  assert {
    condition     = !strcontains(jsonencode([for policy in google_monitoring_alert_policy.stream : policy.conditions]), "amplitude-")
    error_message = "An alert watches another job or subscription."
  }

  assert {
    condition     = strcontains(google_monitoring_dashboard.stream[0].dashboard_json, "subscription_id=\\\"stream-eu-records-undelivered\\\"")
    error_message = "The dashboard does not show the module's subscription."
  }

  assert {
    condition     = length(google_pubsub_topic_iam_member.publishers) == 0
    error_message = "Nobody may publish who is not named."
  }
}

run "without_monitoring" {
  command = plan

  variables {
    monitoring = false
  }

  assert {
    condition     = length(google_monitoring_alert_policy.stream) + length(google_monitoring_dashboard.stream) == 0
    error_message = "monitoring = false makes alerts or a dashboard."
  }
}

run "grants_the_salts_that_are_named" {
  command = plan

  variables {
    hash_salts = [
      "secret://projects/example-project/secrets/salt/versions/1",
      "secret://projects/example-project/secrets/salt/versions/2",
      "secret://projects/other-project/secrets/salt/versions/latest",
    ]
  }

  assert {
    condition = toset([
      for grant in google_secret_manager_secret_iam_member.worker_salts : "${grant.project} ${grant.secret_id}"
    ]) == toset(["example-project salt", "other-project salt"])
    error_message = "The workers may not read each salt, or something else."
  }
}

run "refuses_what_is_wrong" {
  command = plan

  variables {
    name                  = "amplitude-records"
    project               = "Example Project"
    region                = "europe-west1-b"
    retention_days        = 1
    max_workers           = 1.5
    publishers            = ["allUsers"]
    notification_channels = ["mail"]
    subnetwork            = "default"
    hash_salts            = ["$${SALT}"]
  }

  expect_failures = [
    var.name,
    var.project,
    var.region,
    var.retention_days,
    var.max_workers,
    var.publishers,
    var.notification_channels,
    var.subnetwork,
    var.hash_salts,
  ]
}
