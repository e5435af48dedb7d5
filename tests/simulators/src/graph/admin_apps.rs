//! What an administrator does to tenants, app registrations, consent and keys. Tokens that were issued before
//! stay as they are.

use jiff::Timestamp;

use super::Graph;
use super::admin::{AdminError, Done, tenant_of};
use super::config::{AppConfig, TenantConfig};
use super::tenant::{App, Certificate, Secret};

impl Graph {
    pub fn add_tenant(&self, config: TenantConfig) {
        let mut world = self.lock();
        let number = world.tenants.len();
        let tenant = config.build(number, self.clock().now(), &mut world.rng);
        world.tenants.insert(tenant.id.clone(), tenant);
    }

    /// Registers an app, or consents to one of another tenant.
    pub fn add_app(&self, tenant: &str, config: AppConfig) -> Done {
        let mut world = self.lock();
        let client_id = config.client_id.clone();
        let app = config.build(self.clock().now(), &mut world.rng);
        tenant_of(&mut world, tenant)?.apps.insert(client_id, app);
        Ok(())
    }

    pub fn remove_app(&self, tenant: &str, app: &str) -> Done {
        let removed = tenant_of(&mut self.lock(), tenant)?.apps.remove(app);
        removed
            .map(|_| ())
            .ok_or_else(|| AdminError::NoApp(app.to_owned()))
    }

    pub fn grant_role(&self, tenant: &str, app: &str, role: &str) -> Done {
        self.with_app(tenant, app, |app| {
            app.roles.insert(role.to_owned());
        })
    }

    pub fn revoke_role(&self, tenant: &str, app: &str, role: &str) -> Done {
        self.with_app(tenant, app, |app| {
            app.roles.remove(role);
        })
    }

    pub fn set_consent(&self, tenant: &str, app: &str, consent: bool) -> Done {
        self.with_app(tenant, app, |app| app.consent = consent)
    }

    pub fn set_app_enabled(&self, tenant: &str, app: &str, enabled: bool) -> Done {
        self.with_app(tenant, app, |app| app.enabled = enabled)
    }

    pub fn add_secret(&self, tenant: &str, app: &str, value: &str, ends_at: Timestamp) -> Done {
        let key_id = self.lock().new_id();
        let starts_at = self.clock().now();
        let secret = Secret {
            key_id,
            value: value.to_owned(),
            starts_at,
            ends_at,
        };
        self.with_app(tenant, app, |app| app.secrets.push(secret))
    }

    pub fn expire_secret(&self, tenant: &str, app: &str, value: &str) -> Done {
        let now = self.clock().now();
        self.with_app(tenant, app, |app| {
            app.secrets
                .iter_mut()
                .filter(|secret| secret.value == value)
                .for_each(|secret| secret.ends_at = now);
        })
    }

    pub fn remove_secret(&self, tenant: &str, app: &str, value: &str) -> Done {
        self.with_app(tenant, app, |app| {
            app.secrets.retain(|secret| secret.value != value);
        })
    }

    pub fn add_certificate(&self, tenant: &str, app: &str, certificate: Certificate) -> Done {
        self.with_app(tenant, app, |app| app.certificates.push(certificate))
    }

    /// As an administrator uploads a file under Certificates & secrets.
    pub fn upload_certificate(&self, tenant: &str, app: &str, pem: &str) -> Done {
        let key_id = self.lock().new_id();
        let certificate = Certificate::from_pem(key_id, pem);
        let certificate = certificate.ok_or(AdminError::Malformed("a certificate of an RSA key, PEM"))?;
        self.add_certificate(tenant, app, certificate)
    }

    /// Adds an application permission to the registration; somebody has to consent to it.
    pub fn register_role(&self, tenant: &str, app: &str, role: &str) -> Done {
        self.with_app(tenant, app, |app| {
            app.registered.insert(role.to_owned());
        })
    }

    fn with_app(&self, tenant: &str, app: &str, change: impl FnOnce(&mut App)) -> Done {
        let mut world = self.lock();
        let apps = &mut tenant_of(&mut world, tenant)?.apps;
        let found = apps
            .get_mut(app)
            .ok_or_else(|| AdminError::NoApp(app.to_owned()))?;
        change(found);
        Ok(())
    }

    /// Signs with another key; without overlap the old keys are withdrawn at once.
    pub fn roll_keys(&self, tenant: &str, overlap: bool) -> Done {
        tenant_of(&mut self.lock(), tenant)?.keys.roll(overlap);
        Ok(())
    }

    /// Every delta token handed out so far counts as expired.
    pub fn expire_delta_tokens(&self, tenant: &str) -> Done {
        tenant_of(&mut self.lock(), tenant)?.delta_epoch += 1;
        Ok(())
    }
}
