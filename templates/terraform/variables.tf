variable "project" {
  description = "Id of the project in which everything is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is a project's id, 6 to 30 lower-case letters, digits and dashes; not its name or number."
  }
}

variable "region" {
  description = "Region of the Dataflow job, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone."
  }
}

variable "name" {
  description = "Name of the job; the names of topics, subscriptions and secrets begin with it."
  type        = string
  default     = "amplitude-to-customerio"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name has 1 to 40 lower-case letters, digits and dashes, and begins with a letter."
  }

  validation {
    # monitoring.tf puts the subscription's name in its place.
    condition     = !strcontains(var.name, "amplitude-records")
    error_message = "name must not hold the words amplitude-records."
  }
}

variable "account_prefix" {
  description = "What the ids of the two service accounts begin with; -launcher and -worker follow."
  type        = string
  default     = "amplitude-cio"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,20}$", var.account_prefix))
    error_message = "account_prefix has 5 to 21 lower-case letters, digits and dashes: a service account's id has at most 30."
  }
}

variable "template" {
  description = "Where the Flex Template's specification is: gs://BUCKET/PATH.json."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^gs://[^/]+/.+[.]json$", var.template))
    error_message = "template is a gs:// path of a .json file, as gcloud dataflow flex-template build writes it."
  }
}

variable "image" {
  description = "Image of the workers, the same that the template is built from, with a tag or a digest."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^:@]+/[^:@]+(:[^:@/]+|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image is HOST/PATH:TAG or HOST/PATH@sha256:DIGEST."
  }
}

variable "settings" {
  description = "The settings file: gs://BUCKET/PATH. It names the secrets by the outputs site_id_reference and api_key_reference."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^gs://[^/]+/.+$", var.settings))
    error_message = "settings is a gs:// path: the workers have no other disk in common."
  }
}

variable "hash_salts" {
  description = "What the settings have as events.hash_salt and users.hash_salt, where that is a secret: secret://projects/P/secrets/S/versions/V each. The secrets exist already; the workers get to read them."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for reference in var.hash_salts : can(regex("^secret://projects/[a-z0-9.:-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[A-Za-z0-9_-]+$", reference))])
    error_message = "hash_salts are secret://projects/P/secrets/S/versions/V each, as in the settings file."
  }
}

variable "bucket" {
  description = "Bucket that holds the template, the settings, and what Dataflow stages; it exists already."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket is a bucket's name, without gs://."
  }
}

variable "image_repository" {
  description = "The Artifact Registry repository that holds the image; it exists already."
  type = object({
    location   = string
    repository = string
  })
  nullable = false
}

variable "max_workers" {
  description = "Most workers of the job. The settings' request budget is divided by their vCPUs."
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 100 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers is an integer from 1 to 100."
  }
}

variable "machine_type" {
  description = "Machine type of the workers; its name has to end with its number of vCPUs."
  type        = string
  default     = "n2-standard-2"
  nullable    = false

  validation {
    condition     = can(regex("-[0-9]+$", var.machine_type))
    error_message = "machine_type ends with its number of vCPUs, as n2-standard-2 does."
  }
}

variable "subnetwork" {
  description = "regions/REGION/subnetworks/NAME of the workers; null is the default network's."
  type        = string
  default     = null

  validation {
    condition     = var.subnetwork == null || can(regex("regions/[^/]+/subnetworks/[^/]+$", var.subnetwork))
    error_message = "subnetwork is regions/REGION/subnetworks/NAME, or its full URL."
  }
}

variable "public_ips" {
  description = "Whether workers have public addresses. Without, the network needs Cloud NAT (Customer.io is outside) and Private Google Access."
  type        = bool
  default     = false
  nullable    = false
}

variable "retention_days" {
  description = "Days for which Pub/Sub keeps what is not delivered: how long Customer.io may be away."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 31 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days is an integer from 7, for which the alert on retention is made, to 31, the most that Pub/Sub keeps."
  }
}

variable "publishers" {
  description = "Who may publish records, Amplitude's service account for one: members such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.publishers : can(regex("^(serviceAccount|user|group):", member))])
    error_message = "publishers are members with serviceAccount:, user: or group: in front, never allUsers."
  }
}

variable "monitoring" {
  description = "Whether the dashboard and the alert policies are made."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_channels" {
  description = "Who is told of an alert: projects/P/notificationChannels/ID each."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels are projects/P/notificationChannels/ID each."
  }
}

variable "labels" {
  description = "Labels of everything that can have some."
  type        = map(string)
  default     = {}
  nullable    = false
}
