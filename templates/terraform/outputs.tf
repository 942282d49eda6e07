output "topic" {
  description = "Where Amplitude publishes records: projects/P/topics/T."
  value       = google_pubsub_topic.records.id
}

output "subscription" {
  description = "What the job reads: projects/P/subscriptions/S."
  value       = google_pubsub_subscription.records.id
}

output "dead_letter_topic" {
  description = "Where the job's dead letters go; `replay --from` takes it, for it has one subscription."
  value       = google_pubsub_topic.dead_letters.id
}

output "undelivered_subscription" {
  description = "Where messages wait that Pub/Sub gave up."
  value       = google_pubsub_subscription.undelivered.id
}

output "site_id_reference" {
  description = "For customerio.site_id in the settings; a reference, not the value."
  value       = "secret://projects/${var.project}/secrets/${google_secret_manager_secret.site_id.secret_id}/versions/latest"
}

output "api_key_reference" {
  description = "For customerio.api_key in the settings; a reference, not the value."
  value       = "secret://projects/${var.project}/secrets/${google_secret_manager_secret.api_key.secret_id}/versions/latest"
}

output "launcher_email" {
  description = "Service account to impersonate for starting, updating and draining the job."
  value       = google_service_account.launcher.email
}

output "worker_email" {
  description = "Service account of the workers."
  value       = google_service_account.worker.email
}

output "job_id" {
  description = "Id of the running Dataflow job."
  value       = google_dataflow_flex_template_job.stream.job_id
}
