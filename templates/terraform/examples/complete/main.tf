terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0.0, < 8.0.0"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 6.0.0, < 8.0.0"
    }
  }
}

provider "google" {
  project = "example-project"
  region  = "europe-west1"
}

provider "google-beta" {
  project = "example-project"
  region  = "europe-west1"
}

module "stream" {
  source = "../.."

  project  = "example-project"
  region   = "europe-west1"
  bucket   = "example-project-dataflow"
  template = "gs://example-project-dataflow/templates/amplitude-to-customerio.json"
  settings = "gs://example-project-dataflow/settings.yaml"
  image    = "europe-west1-docker.pkg.dev/example-project/pipelines/amplitude-to-customerio:1.0.0"

  image_repository = {
    location   = "europe-west1"
    repository = "pipelines"
  }

  publishers            = ["serviceAccount:amplitude@example-project.iam.gserviceaccount.com"]
  notification_channels = ["projects/example-project/notificationChannels/1234567890"]
}

output "references" {
  description = "For the settings file."
  value = {
    site_id = module.stream.site_id_reference
    api_key = module.stream.api_key_reference
  }
}
