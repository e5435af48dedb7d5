#!/usr/bin/env bash
# Registers the connector's app in Microsoft Entra ID with the Azure CLI: single tenant, Web redirect addresses, exactly
# the Microsoft Graph permissions of the chosen parts. Only reading is ever asked for. permissions.csv beside this file
# says which part needs what.
set -euo pipefail

readonly graph=00000003-0000-0000-c000-000000000000
permissions="$(dirname "${BASH_SOURCE[0]}")/permissions.csv"
readonly permissions

usage() {
    cat <<'END'
Usage: register.sh --base-url URL [options]

  --base-url URL     https origin at which the connector answers (PUBLIC_BASE_URL)
  --parts LIST       with commas between: contacts, authorised-account, presence, shared-mailboxes, secret-expiry
                     (users and groups are always there; contacts reads mailboxes without their owners, authorised-account
                     reads what owners share with the person who connects: choose one of the two)
  --app ID           change this app registration (its client id) instead of making one. Redirect addresses are added; its
                     permissions become those of --parts, so name all parts, and stay as they are without --parts
  --name NAME        name of the app registration [default: Yeastar PBX connector]
  --months N         life of the client secret; 0 makes none [default: 24 for an app registration that is made, else 0]
  --certificate FILE let the app prove itself by this certificate (PEM, without its key) in place of a secret
  --consent          grant admin consent now; otherwise the sign-in that connects asks for it
  --print            print what would be registered, as JSON, and do nothing
  --help

Sign in first: az login --tenant YOUR-TENANT --allow-no-subscriptions
END
}

refuse() {
    echo "register.sh: $1" >&2
    exit 64
}

base_url='' parts='' parts_given='' app='' name='Yeastar PBX connector' months='' certificate='' consent='' print=''
while [ $# -gt 0 ]; do
    case $1 in
        --base-url | --parts | --app | --name | --months | --certificate)
            [ $# -ge 2 ] || refuse "$1 needs a value"
            option=${1#--}
            printf -v "${option//-/_}" '%s' "$2"
            [ "$option" != parts ] || parts_given=yes
            shift
            ;;
        --consent) consent=yes ;;
        --print) print=yes ;;
        --help) usage && exit 0 ;;
        *) refuse "$1 is not an option; see --help" ;;
    esac
    shift
done

base_url=${base_url%/}
[[ $base_url =~ ^https://[A-Za-z0-9.-]+(:[0-9]+)?$ ]] ||
    refuse "--base-url must be an https origin without a path, such as https://connector.example.com"
: "${months:=$([ -n "$app$certificate" ] && echo 0 || echo 24)}"
[[ $name != *[\'\"]* && -n $name ]] || refuse "--name must not be empty and takes no quotation marks"
[[ $months =~ ^[0-9]{1,2}$ && $months -le 24 ]] || refuse "--months must be a number up to 24"
[ -z "$certificate" ] || grep -q "BEGIN CERTIFICATE" "$certificate" || refuse "--certificate must name a certificate in PEM"
[ -z "$certificate" ] || ! grep -q "PRIVATE KEY" "$certificate" ||
    refuse "--certificate must be without its private key, which Microsoft has no use for"

IFS=, read -ra chosen <<<"$parts"
for part in ${chosen[@]+"${chosen[@]}"}; do
    case $part in
        contacts | authorised-account | presence | shared-mailboxes | secret-expiry) ;;
        *) refuse "--parts does not know '$part'; see --help" ;;
    esac
done
[[ ",$parts," != *,contacts,* || ",$parts," != *,authorised-account,* ]] ||
    refuse "--parts takes contacts or authorised-account, not both"

is_chosen() { [ "$1" = always ] || [[ ",$parts," == *",$1,"* ]]; }

redirect_uris=("$base_url/connect/callback" "$base_url/sso/callback" "$base_url/console/callback")

# The app's required permissions, in the shape of Microsoft Graph.
required_accesses() {
    local part kind _name id separator=''
    printf '[{"resourceAppId": "%s", "resourceAccess": [' "$graph"
    while IFS=, read -r part kind _name id; do
        if is_chosen "$part"; then
            printf '%s{"id": "%s", "type": "%s"}' "$separator" "$id" "$kind"
            separator=', '
        fi
    done < <(tail -n +2 "$permissions" | tr -d '\r')
    printf ']}]\n'
}

chosen_names() {
    local part kind name _id
    while IFS=, read -r part kind name _id; do
        ! is_chosen "$part" || printf '  %s (%s)\n' "$name" "$([ "$kind" = Role ] && echo application || echo delegated)"
    done < <(tail -n +2 "$permissions" | tr -d '\r')
}

if [ -n "$print" ]; then
    printf '{"signInAudience": "AzureADMyOrg", "web": {"redirectUris": ["%s", "%s", "%s"]}, "requiredResourceAccess": %s}\n' \
        "${redirect_uris[@]}" "$(required_accesses)"
    exit 0
fi

command -v az >/dev/null || refuse "the Azure CLI (az) is not installed"
tenant=$(az account show --query tenantId --output tsv) ||
    refuse "sign in first: az login --tenant YOUR-TENANT --allow-no-subscriptions"

if [ -z "$app" ]; then
    same_name=$(az ad app list --display-name "$name" --query "[?displayName=='$name'].appId" --output tsv)
    [ -z "$same_name" ] ||
        refuse "an app registration of this name is there already; change it with --app ${same_name%%$'\n'*}, or choose --name"
    parts_given=yes
    app=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg \
        --web-redirect-uris "${redirect_uris[@]}" --required-resource-accesses "$(required_accesses)" \
        --enable-id-token-issuance false --enable-access-token-issuance false --query appId --output tsv)
else
    registered=$(az ad app show --id "$app" --query web.redirectUris --output tsv)
    while IFS= read -r uri; do
        [ -z "$uri" ] || [[ " ${redirect_uris[*]} " == *" $uri "* ]] || redirect_uris+=("$uri")
    done <<<"$registered"
    changes=(--web-redirect-uris "${redirect_uris[@]}")
    [ -z "$parts_given" ] || changes+=(--required-resource-accesses "$(required_accesses)")
    az ad app update --id "$app" --sign-in-audience AzureADMyOrg "${changes[@]}" \
        --enable-id-token-issuance false --enable-access-token-issuance false --output none
fi

# Consent and sign-ins belong to the app's service principal.
az ad sp show --id "$app" --output none 2>/dev/null || az ad sp create --id "$app" --output none

if [ -n "$parts_given" ]; then
    echo "Registered for Microsoft Graph:"
    chosen_names
else
    echo "The permissions stay as they are."
fi
if [ -n "$consent" ]; then
    az ad app permission admin-consent --id "$app" ||
        refuse "consent was not granted; an app registration may take a minute to be known everywhere: run again with --app $app --consent"
    echo "Admin consent is granted."
fi

cat <<END

Directory (tenant) ID:   $tenant
Application (client) ID: $app
END
if [ -n "$certificate" ]; then
    az ad app credential reset --id "$app" --append --cert "@$certificate" --only-show-errors >/dev/null
    echo "The app may prove itself by the certificate in $certificate."
fi
if [ "$months" -gt 0 ]; then
    ends=$(date -u -d "+$months months" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v "+${months}m" +%Y-%m-%dT%H:%M:%SZ)
    secret=$(az ad app credential reset --id "$app" --append --display-name "connector" --end-date "$ends" \
        --query password --output tsv --only-show-errors)
    cat <<END
Client secret:           $secret
                         shown this once; it ends $ends
END
fi
