//! What people do in Teams, for tests and for the working day of the demo.

use uuid::Uuid;

use super::Graph;
use super::admin::{AdminError, Done, tenant_of};
use super::working_day;

impl Graph {
    /// Shows these words for a person from now on, whatever they mean.
    pub fn set_presence(&self, tenant: &str, user: Uuid, availability: &str, activity: &str) -> Done {
        let mut world = self.lock();
        let tenant = tenant_of(&mut world, tenant)?;
        if !tenant.directory.users.live.contains_key(&user) {
            return Err(AdminError::NoObject(user));
        }
        tenant.presences.set(user, availability, activity);
        Ok(())
    }

    /// What a person shows: availability and activity.
    pub fn presence(&self, tenant: &str, user: Uuid) -> Result<(String, String), AdminError> {
        let mut world = self.lock();
        let (availability, activity) = tenant_of(&mut world, tenant)?.presences.of(user);
        Ok((availability.to_owned(), activity.to_owned()))
    }

    /// Gives a person Teams, or takes it away.
    pub fn set_teams(&self, tenant: &str, user: Uuid, has_teams: bool) -> Done {
        let mut world = self.lock();
        let without = &mut tenant_of(&mut world, tenant)?.presences.without_teams;
        if has_teams {
            without.remove(&user);
        } else {
            without.insert(user);
        }
        Ok(())
    }

    /// Has everybody show what they do at this minute of a working day; answers who shows something else than before.
    pub fn live_minute(&self, tenant: &str, minute_of_day: u32) -> Result<Vec<Uuid>, AdminError> {
        let mut world = self.lock();
        let tenant = tenant_of(&mut world, tenant)?;
        let people: Vec<Uuid> = tenant.directory.users.live.keys().copied().collect();
        let mut moved = Vec::new();
        for user in people {
            let (availability, activity) = working_day::at(user, minute_of_day);
            if tenant.presences.of(user) != (availability, activity) {
                tenant.presences.set(user, availability, activity);
                moved.push(user);
            }
        }
        Ok(moved)
    }
}
