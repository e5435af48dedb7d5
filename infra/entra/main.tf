# Registers the connector's app in Microsoft Entra ID: what register.sh does, for those who keep their tenant in
# Terraform. Apply it as somebody who may grant admin consent (Privileged Role Administrator). permissions.csv beside
# this file says which part needs what.

terraform {
  required_version = ">= 1.5"
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
  }
}

provider "azuread" {
  tenant_id = var.tenant_id
}

variable "tenant_id" {
  type        = string
  description = "Directory (tenant) ID"
}

variable "base_url" {
  type        = string
  description = "https origin at which the connector answers (PUBLIC_BASE_URL)"
  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?$", var.base_url))
    error_message = "An https origin without a path, such as https://connector.example.com."
  }
}

variable "name" {
  type        = string
  default     = "Yeastar PBX connector"
  description = "Name of the app registration"
}

variable "parts" {
  type        = set(string)
  default     = []
  description = "Beyond users and groups: contacts or authorised-account, presence, shared-mailboxes, secret-expiry"
  validation {
    condition = alltrue([
      for part in var.parts :
      contains(["contacts", "authorised-account", "presence", "shared-mailboxes", "secret-expiry"], part)
    ])
    error_message = "Known parts: contacts, authorised-account, presence, shared-mailboxes, secret-expiry."
  }
  validation {
    condition     = !(contains(var.parts, "contacts") && contains(var.parts, "authorised-account"))
    error_message = "Choose contacts or authorised-account, not both."
  }
}

variable "secret_ends_at" {
  type        = string
  default     = null
  description = "When the client secret ends (RFC 3339); null makes none. A secret made here is kept in Terraform's state."
}

variable "certificate" {
  type        = string
  default     = null
  description = "Certificate in PEM, without its key, by which the app proves itself in place of a secret; null for none"
}

locals {
  graph = "00000003-0000-0000-c000-000000000000"
  needed = [
    for row in csvdecode(file("${path.module}/permissions.csv")) :
    row if contains(setunion(["always"], var.parts), row.part)
  ]
  roles  = { for row in local.needed : row.name => row.id if row.kind == "Role" }
  scopes = [for row in local.needed : row.name if row.kind == "Scope"]
}

resource "azuread_application" "connector" {
  display_name     = var.name
  sign_in_audience = "AzureADMyOrg"

  web {
    redirect_uris = [
      "${var.base_url}/connect/callback",
      "${var.base_url}/sso/callback",
      "${var.base_url}/console/callback",
    ]
    implicit_grant {
      access_token_issuance_enabled = false
      id_token_issuance_enabled     = false
    }
  }

  required_resource_access {
    resource_app_id = local.graph
    dynamic "resource_access" {
      for_each = local.needed
      content {
        id   = resource_access.value.id
        type = resource_access.value.kind
      }
    }
  }
}

resource "azuread_service_principal" "connector" {
  client_id = azuread_application.connector.client_id
}

data "azuread_service_principal" "graph" {
  client_id = local.graph
}

# Admin consent.
resource "azuread_app_role_assignment" "application" {
  for_each            = local.roles
  app_role_id         = each.value
  principal_object_id = azuread_service_principal.connector.object_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}

resource "azuread_service_principal_delegated_permission_grant" "delegated" {
  service_principal_object_id          = azuread_service_principal.connector.object_id
  resource_service_principal_object_id = data.azuread_service_principal.graph.object_id
  claim_values                         = local.scopes
}

resource "azuread_application_password" "connector" {
  count          = var.secret_ends_at == null ? 0 : 1
  application_id = azuread_application.connector.id
  display_name   = "connector"
  end_date       = var.secret_ends_at
}

resource "azuread_application_certificate" "connector" {
  count          = var.certificate == null ? 0 : 1
  application_id = azuread_application.connector.id
  type           = "AsymmetricX509Cert"
  value          = var.certificate
}

output "tenant_id" {
  value = var.tenant_id
}

output "client_id" {
  value = azuread_application.connector.client_id
}

output "client_secret" {
  value     = one(azuread_application_password.connector[*].value)
  sensitive = true
}
