# The files of ../monitoring, which are made from the list of the job's metrics, under this job's
# names.

locals {
  monitoring = "${path.module}/../monitoring"

  # What `python -m pipeline.monitoring` calls them when it is not told otherwise.
  default_job          = "amplitude-to-customerio"
  default_subscription = "amplitude-records"

  policies = {
    for file in fileset("${local.monitoring}/alerts", "*.json") :
    trimsuffix(file, ".json") => jsondecode(replace(
      replace(file("${local.monitoring}/alerts/${file}"), local.default_job, var.name),
      local.default_subscription, google_pubsub_subscription.records.name,
    ))
    if var.monitoring
  }
}

resource "google_monitoring_dashboard" "stream" {
  count = var.monitoring ? 1 : 0

  project = var.project
  dashboard_json = replace(
    replace(file("${local.monitoring}/dashboard.json"), local.default_job, var.name),
    local.default_subscription, google_pubsub_subscription.records.name,
  )
}

resource "google_monitoring_alert_policy" "stream" {
  for_each = local.policies

  project               = var.project
  display_name          = each.value.displayName
  severity              = each.value.severity
  combiner              = each.value.combiner
  user_labels           = each.value.userLabels
  notification_channels = var.notification_channels

  documentation {
    subject   = each.value.documentation.subject
    content   = each.value.documentation.content
    mime_type = each.value.documentation.mimeType
  }

  dynamic "conditions" {
    for_each = each.value.conditions

    content {
      display_name = conditions.value.displayName

      dynamic "condition_prometheus_query_language" {
        for_each = try([conditions.value.conditionPrometheusQueryLanguage], [])

        content {
          query               = condition_prometheus_query_language.value.query
          duration            = condition_prometheus_query_language.value.duration
          evaluation_interval = condition_prometheus_query_language.value.evaluationInterval
        }
      }

      dynamic "condition_matched_log" {
        for_each = try([conditions.value.conditionMatchedLog], [])

        content {
          filter = condition_matched_log.value.filter
        }
      }
    }
  }

  alert_strategy {
    auto_close = each.value.alertStrategy.autoClose

    dynamic "notification_rate_limit" {
      for_each = try([each.value.alertStrategy.notificationRateLimit], [])

      content {
        period = notification_rate_limit.value.period
      }
    }
  }
}
