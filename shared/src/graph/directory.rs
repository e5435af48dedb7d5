//! [`GraphClient`] as the [`Directory`] port; each call is at home in the module of its subject.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::client::GraphClient;
use crate::domain::entra_group::EntraGroup;
use crate::domain::entra_user::{EntraUser, UserChange};
use crate::domain::ids::{EntraGroupId, EntraUserId};
use crate::ports::{
    Cursor, Directory, DirectoryError, GroupMembers, GroupPage, PermissionName, SecretExpiry, UserQuery,
};

#[async_trait]
impl Directory for GraphClient {
    async fn list_users(
        &self,
        query: &UserQuery,
    ) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError> {
        self.read_all_users(query).await
    }

    async fn user_cursor(&self, query: &UserQuery) -> Result<Cursor, DirectoryError> {
        self.start_user_cursor(query).await
    }

    async fn user_changes(
        &self,
        cursor: &Cursor,
        query: &UserQuery,
    ) -> Result<(Vec<UserChange>, Cursor), DirectoryError> {
        self.read_user_changes(cursor, query).await
    }

    async fn users_by_id(
        &self,
        ids: &BTreeSet<EntraUserId>,
        query: &UserQuery,
    ) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError> {
        self.read_users_by_id(ids, query).await
    }

    async fn lookup_user(
        &self,
        id_or_upn: &str,
        query: &UserQuery,
    ) -> Result<Option<EntraUser>, DirectoryError> {
        self.read_one_user(id_or_upn, query).await
    }

    async fn group_cursor(&self) -> Result<Cursor, DirectoryError> {
        self.start_group_cursor().await
    }

    async fn group_changes(
        &self,
        cursor: &Cursor,
    ) -> Result<(BTreeSet<EntraGroupId>, Cursor), DirectoryError> {
        self.read_group_changes(cursor).await
    }

    async fn list_groups(&self) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError> {
        self.read_all_groups().await
    }

    async fn groups_by_id(
        &self,
        ids: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, EntraGroup>, DirectoryError> {
        self.read_groups_by_id(ids).await
    }

    async fn search_groups(
        &self,
        search: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, DirectoryError> {
        self.read_group_page(search, limit, cursor).await
    }

    async fn group_members(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, GroupMembers>, DirectoryError> {
        self.read_group_members(groups).await
    }

    async fn hidden_among(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeSet<EntraGroupId>, DirectoryError> {
        self.read_hidden_among(groups).await
    }

    async fn secret_expiry(&self) -> Result<SecretExpiry, DirectoryError> {
        self.end_of_secret().await
    }

    async fn missing_permissions(
        &self,
        needed: &[PermissionName],
    ) -> Result<Vec<PermissionName>, DirectoryError> {
        self.probe_permissions(needed).await
    }
}
