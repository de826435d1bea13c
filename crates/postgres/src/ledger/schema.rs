//! The tables of schema `etl`, for diesel's query language. Generated from the
//! migrated catalog by `make schema`; do not edit.

diesel::table! {
    etl.access_token (token_hash) {
        token_hash -> Binary,
        sender_id -> Integer,
        scopes -> Array<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    etl.adopted_resource (id) {
        id -> BigInt,
        owner_id -> BigInt,
        adopted_at -> Timestamptz,
    }
}

diesel::table! {
    etl.audit_event (id) {
        id -> BigInt,
        occurred_at -> Timestamptz,
        request_id -> Text,
        sender_id -> Nullable<Integer>,
        action -> Text,
        target -> Nullable<Text>,
        client_address -> Text,
        bytes -> BigInt,
        status -> SmallInt,
        user_id -> Nullable<Integer>,
    }
}

diesel::table! {
    etl.bulk_manifest (id) {
        id -> BigInt,
        submission_id -> Uuid,
        manifest_url -> Text,
        fhir_base_url -> Text,
        headers -> Nullable<Binary>,
        job_id -> BigInt,
        submitted_at -> Timestamptz,
    }
}

diesel::table! {
    etl.bulk_submission (id) {
        id -> Uuid,
        sender_id -> Integer,
        submitter_system -> Text,
        submitter_value -> Text,
        submission_id -> Text,
        status -> Text,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.code_map (system, code) {
        system -> Text,
        code -> Text,
        measure -> Text,
        rank -> Integer,
    }
}

diesel::table! {
    etl.conditional_resource (source_id, resource_type, system, value) {
        source_id -> SmallInt,
        resource_type -> Text,
        system -> Text,
        value -> Text,
        resource_id -> BigInt,
        is_settled -> Bool,
    }
}

diesel::table! {
    etl.contained_resource (id) {
        id -> BigInt,
        container_id -> BigInt,
    }
}

diesel::table! {
    etl.deidentified (is_only) {
        is_only -> Bool,
        mode -> Text,
        inner_pad -> Binary,
        outer_pad -> Binary,
        definition -> Text,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    etl.deidentified_table (name) {
        name -> Text,
        definition -> Text,
        rows -> BigInt,
        oldest_transaction -> BigInt,
        database -> Text,
        source_oid -> BigInt,
        source_file -> BigInt,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    etl.deviating_element (resource_type, element, deviation) {
        resource_type -> Text,
        element -> Text,
        deviation -> Text,
        resources -> BigInt,
        last_file_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    etl.drug_class (system, code, class) {
        system -> Text,
        code -> Text,
        class -> Text,
    }
}

diesel::table! {
    etl.erasure (id) {
        id -> BigInt,
        state -> Text,
        requested_by -> Text,
        requested_at -> Timestamptz,
        erased_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        run_id -> Nullable<BigInt>,
        people -> Integer,
        resources -> BigInt,
        rows -> BigInt,
        removed_references -> BigInt,
        records -> BigInt,
        rejects -> BigInt,
        files_rewritten -> Integer,
        files_removed -> Integer,
        missing_files -> Array<BigInt>,
        snapshots -> Array<BigInt>,
    }
}

diesel::table! {
    etl.erasure_key (erasure_id, key) {
        erasure_id -> BigInt,
        key -> BigInt,
    }
}

diesel::table! {
    etl.erasure_subject (erasure_id) {
        erasure_id -> BigInt,
        source_id -> SmallInt,
        fhir_id -> Text,
        shared -> Nullable<Text>,
        with_links -> Bool,
    }
}

diesel::table! {
    etl.erasure_task (id) {
        id -> BigInt,
        erasure_id -> BigInt,
        kind -> Text,
        text -> Text,
    }
}

diesel::table! {
    etl.export_file (job_id, number) {
        job_id -> BigInt,
        number -> Integer,
        kind -> Text,
        resource_type -> Nullable<Text>,
        location -> Text,
        announced_count -> Nullable<BigInt>,
        status -> Text,
        size_bytes -> BigInt,
        validator -> Nullable<Text>,
        landed_path -> Nullable<Text>,
        landing_at -> Nullable<Timestamptz>,
        file_id -> Nullable<BigInt>,
        seen_count -> Nullable<BigInt>,
        rejected_count -> Nullable<BigInt>,
        header_count -> Nullable<BigInt>,
        bundle_count -> Nullable<BigInt>,
    }
}

diesel::table! {
    etl.export_job (id) {
        id -> BigInt,
        feed_id -> Nullable<Integer>,
        request_hash -> Text,
        source -> Text,
        url -> Text,
        since -> Nullable<Text>,
        status -> Text,
        status_url -> Nullable<Text>,
        transaction_time -> Nullable<Text>,
        organized_by -> Nullable<Text>,
        progress -> Nullable<Text>,
        failures -> Integer,
        retry_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        started_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        ready_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        retries -> BigInt,
    }
}

diesel::table! {
    etl.feed (id) {
        id -> Integer,
        name -> Text,
        kind -> Text,
        source -> Text,
        schedule -> Nullable<Text>,
        registered_at -> Timestamptz,
        paused_at -> Nullable<Timestamptz>,
        last_started_at -> Nullable<Timestamptz>,
        last_success_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        failed_runs -> Integer,
        position -> Nullable<Text>,
        request_hash -> Nullable<Text>,
        last_failure_at -> Nullable<Timestamptz>,
        last_failure -> Nullable<Text>,
        last_advice -> Nullable<Text>,
        requested_at -> Nullable<Timestamptz>,
        next_run_at -> Nullable<Timestamptz>,
        files -> BigInt,
        bytes -> BigInt,
        records -> BigInt,
        retries -> BigInt,
        lag_records -> Nullable<BigInt>,
        lag_seconds -> Nullable<Double>,
    }
}

diesel::table! {
    etl.feed_file (file_id) {
        file_id -> BigInt,
        feed_id -> Integer,
        size_bytes -> BigInt,
    }
}

diesel::table! {
    etl.feed_offset (feed_id, topic, partition) {
        feed_id -> Integer,
        topic -> Text,
        partition -> Integer,
        next_offset -> BigInt,
        end_offset -> Nullable<BigInt>,
        end_seen_at -> Nullable<Timestamptz>,
        messages -> BigInt,
        rejected -> BigInt,
        lost_offsets -> BigInt,
        lost_at -> Nullable<Timestamptz>,
        run_id -> Nullable<BigInt>,
        batch_number -> Nullable<BigInt>,
        message_at -> Nullable<Timestamptz>,
        moved_at -> Timestamptz,
    }
}

diesel::table! {
    etl.file_overlap (file_id, content_file_id) {
        file_id -> BigInt,
        content_file_id -> BigInt,
    }
}

diesel::table! {
    etl.load_batch (file_id, first_position) {
        file_id -> BigInt,
        first_position -> BigInt,
        last_position -> BigInt,
        inserted -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        stale -> BigInt,
        deleted -> BigInt,
        rejected -> BigInt,
        skipped -> BigInt,
        loaded_at -> Timestamptz,
    }
}

diesel::table! {
    etl.load_file (id) {
        id -> BigInt,
        load_run_id -> BigInt,
        source_id -> SmallInt,
        path -> Text,
        size_bytes -> BigInt,
        sha256 -> Binary,
        status -> Text,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        archive_path -> Nullable<Text>,
        form -> Nullable<Text>,
        seen -> BigInt,
        inserted -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        stale -> BigInt,
        deleted -> BigInt,
        rejected -> BigInt,
        skipped -> BigInt,
        error -> Nullable<Text>,
        move_error -> Nullable<Text>,
        etag -> Nullable<Text>,
        modified_at -> Nullable<Timestamptz>,
        is_hashed -> Bool,
        loaded_at -> Nullable<Timestamptz>,
        stored_bytes -> Nullable<BigInt>,
        archive_removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.load_run (id) {
        id -> BigInt,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        program_version -> Text,
        command -> Text,
        status -> Text,
        counts -> Nullable<Jsonb>,
    }
}

diesel::table! {
    etl.login_failure (subject) {
        subject -> Binary,
        failures -> Integer,
        last_at -> Timestamptz,
        locked_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.notification (id) {
        id -> BigInt,
        channel -> Text,
        event -> Text,
        subject -> Text,
        occurred_at -> Timestamptz,
        data -> Jsonb,
        noted_at -> Timestamptz,
        retry_at -> Timestamptz,
        attempts -> Integer,
        error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        given_up_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.notification_channel (channel) {
        channel -> Text,
        begun_at -> Timestamptz,
    }
}

diesel::table! {
    etl.page_session (token_hash) {
        token_hash -> Binary,
        user_id -> Integer,
        client_address -> Text,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    etl.page_user (id) {
        id -> Integer,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        created_at -> Timestamptz,
        password_changed_at -> Timestamptz,
        last_login_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.reading_role (kind) {
        kind -> Text,
        role -> Text,
        place -> Text,
        noted_at -> Timestamptz,
    }
}

diesel::table! {
    etl.rejected_record (id) {
        id -> BigInt,
        file_id -> BigInt,
        position -> Nullable<BigInt>,
        location -> Text,
        resource_type -> Nullable<Text>,
        fhir_id -> Nullable<Text>,
        reason -> Text,
        message -> Text,
        raw -> Nullable<Binary>,
        created_at -> Timestamptz,
        retried_at -> Nullable<Timestamptz>,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by_file_id -> Nullable<BigInt>,
        dismissed_at -> Nullable<Timestamptz>,
        note -> Nullable<Text>,
        raw_removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.resolved_identifier (source_id, resource_type, system, value, owner_id) {
        source_id -> SmallInt,
        resource_type -> Text,
        system -> Text,
        value -> Text,
        owner_id -> BigInt,
    }
}

diesel::table! {
    etl.resource_body (id) {
        id -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    etl.resource_key (id) {
        id -> BigInt,
        source_id -> SmallInt,
        resource_type -> Text,
        fhir_id -> Text,
    }
}

diesel::table! {
    etl.resource_version (id) {
        id -> BigInt,
        revision -> Integer,
        content_hash -> Nullable<Binary>,
        effective_at -> Nullable<Timestamptz>,
        version_id -> Nullable<Text>,
        last_updated -> Nullable<Timestamptz>,
        file_id -> BigInt,
        position -> BigInt,
        member -> Nullable<Integer>,
        byte_offset -> Nullable<BigInt>,
        byte_length -> Nullable<BigInt>,
        first_file_id -> BigInt,
        loaded_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        is_id_generated -> Bool,
        full_url -> Nullable<Text>,
        meta_source -> Nullable<Text>,
        profile -> Nullable<Array<Text>>,
        tag -> Nullable<Jsonb>,
        security -> Nullable<Jsonb>,
        language -> Nullable<Text>,
        inherited_at -> Nullable<Timestamptz>,
        inherited_version -> Nullable<BigInt>,
        dated_file_id -> Nullable<BigInt>,
        dated_position -> Nullable<BigInt>,
        content_since -> Nullable<Timestamptz>,
        content_file_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    etl.row_since (resource_id, table_name, ordinal) {
        resource_id -> BigInt,
        table_name -> Text,
        ordinal -> Integer,
        valid_from -> Timestamptz,
    }
}

diesel::table! {
    etl.sender (id) {
        id -> Integer,
        name -> Text,
        source_id -> SmallInt,
        scopes -> Array<Text>,
        client_secret_hash -> Text,
        personal_key -> Binary,
        access_key_id -> Text,
        secret_access_key -> Binary,
        jwks_url -> Nullable<Text>,
        jwks -> Nullable<Text>,
        max_open_uploads -> Integer,
        max_open_bytes -> BigInt,
        created_at -> Timestamptz,
        rotated_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.service (id) {
        id -> Integer,
        host -> Text,
        process_id -> Integer,
        program_version -> Text,
        inbox -> Text,
        started_at -> Timestamptz,
        beat_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        scan_started_at -> Nullable<Timestamptz>,
        last_scan_at -> Nullable<Timestamptz>,
        last_success_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        failed_scans -> Integer,
        skipped_paths -> Integer,
    }
}

diesel::table! {
    etl.sink (id) {
        id -> SmallInt,
        name -> Text,
        kind -> Text,
        source_id -> SmallInt,
        url -> Text,
        types -> Array<Text>,
        leave_out -> Array<Text>,
        registered_at -> Timestamptz,
        is_caught_up -> Bool,
        last_success_at -> Nullable<Timestamptz>,
        failing_since -> Nullable<Timestamptz>,
        retry_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        accepted -> BigInt,
        deleted -> BigInt,
        refused -> BigInt,
        requests -> BigInt,
        retries -> BigInt,
    }
}

diesel::table! {
    etl.sink_batch (id) {
        id -> BigInt,
        sink_id -> SmallInt,
        run_id -> Nullable<BigInt>,
        batch -> Nullable<BigInt>,
        file_ids -> Nullable<Array<BigInt>>,
        first_positions -> Nullable<Array<BigInt>>,
        last_positions -> Nullable<Array<BigInt>>,
        resource_ids -> Nullable<Array<BigInt>>,
        resources -> BigInt,
        phase -> SmallInt,
        noted_at -> Timestamptz,
        acknowledged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.sink_refusal (sink_id, resource_type, fhir_id) {
        sink_id -> SmallInt,
        resource_type -> Text,
        fhir_id -> Text,
        method -> Text,
        file_id -> Nullable<BigInt>,
        position -> Nullable<BigInt>,
        status -> Integer,
        code -> Nullable<Text>,
        server_code -> Nullable<Text>,
        expression -> Nullable<Text>,
        awaits -> Array<Text>,
        attempts -> Integer,
        first_refused_at -> Timestamptz,
        refused_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.sink_request (id) {
        id -> BigInt,
        sink_id -> SmallInt,
        answered_at -> Timestamptz,
        process -> Text,
        method -> Text,
        resource_type -> Text,
        entries -> Integer,
        accepted -> Integer,
        refused -> Integer,
        status -> Integer,
        milliseconds -> Integer,
        bytes -> BigInt,
    }
}

diesel::table! {
    etl.sink_resource (sink_id, resource_type, fhir_id) {
        sink_id -> SmallInt,
        resource_type -> Text,
        fhir_id -> Text,
        is_present -> Bool,
        sent_hash -> Nullable<Binary>,
        sending_hash -> Nullable<Binary>,
        refused_hash -> Nullable<Binary>,
        sent_at -> Nullable<Timestamptz>,
        delete_requested_at -> Nullable<Timestamptz>,
        delete_refused_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    etl.skipped_range (file_id, first_position, resource_type) {
        file_id -> BigInt,
        first_position -> BigInt,
        resource_type -> Text,
        last_position -> BigInt,
        records -> BigInt,
    }
}

diesel::table! {
    etl.snapshot (id) {
        id -> BigInt,
        name -> Nullable<Text>,
        target -> Text,
        format -> Text,
        program_version -> Text,
        state -> Text,
        folder -> Nullable<Text>,
        token -> Nullable<Uuid>,
        started_at -> Timestamptz,
        beat_at -> Timestamptz,
        taken_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
        tables -> Integer,
        tables_done -> Integer,
        tables_reused -> Integer,
        rows -> BigInt,
        bytes -> BigInt,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    etl.source (id) {
        id -> SmallInt,
        code -> Text,
        base_url -> Nullable<Text>,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        pruned_file_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    etl.source_base_url (source_id, base_url) {
        source_id -> SmallInt,
        base_url -> Text,
        origin -> Text,
        noted_at -> Timestamptz,
    }
}

diesel::table! {
    etl.superseded_file (file_id) {
        file_id -> BigInt,
        first_by_file_id -> BigInt,
        last_by_file_id -> BigInt,
    }
}

diesel::table! {
    etl.undo (id) {
        id -> BigInt,
        file_id -> BigInt,
        status_before -> Text,
        loaded_at -> Timestamptz,
        undone_at -> Timestamptz,
        undone_run_id -> BigInt,
        redone_at -> Nullable<Timestamptz>,
        redone_run_id -> Nullable<BigInt>,
        promoted_file_id -> Nullable<BigInt>,
        dismissed_rejects -> Array<BigInt>,
        reopened_rejects -> Jsonb,
    }
}

diesel::table! {
    etl.undone_key (id) {
        id -> BigInt,
        source_id -> SmallInt,
        resource_type -> Text,
        fhir_id -> Text,
    }
}

diesel::table! {
    etl.unmapped_element (resource_type, element) {
        resource_type -> Text,
        element -> Text,
        resources -> BigInt,
        last_file_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    etl.unresolved_reference (resource_id, resource_type, system, value) {
        resource_id -> BigInt,
        resource_type -> Text,
        system -> Text,
        value -> Text,
    }
}

diesel::table! {
    etl.upload (id) {
        id -> Uuid,
        sender_id -> Integer,
        face -> Text,
        filename -> Text,
        part_count -> Nullable<Integer>,
        size_bytes -> Nullable<BigInt>,
        sha256 -> Nullable<Binary>,
        part_bytes -> Nullable<BigInt>,
        status -> Text,
        idempotency_key -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        completing_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        landed_path -> Nullable<Text>,
        loaded_at -> Nullable<Timestamptz>,
        etag -> Nullable<Text>,
        metadata -> Nullable<Jsonb>,
        checksum_algorithm -> Nullable<Text>,
        checksum_type -> Nullable<Text>,
        checksum -> Nullable<Text>,
    }
}

diesel::table! {
    etl.upload_part (upload_id, part_number) {
        upload_id -> Uuid,
        part_number -> Integer,
        size_bytes -> BigInt,
        md5 -> Binary,
        file_name -> Nullable<Text>,
        received_at -> Timestamptz,
        checksums -> Nullable<Jsonb>,
    }
}

diesel::table! {
    etl.used_proof (sender_id, proof_hash) {
        sender_id -> Integer,
        proof_hash -> Binary,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    etl.view_backlog (name, version, resource_id) {
        name -> Text,
        version -> Integer,
        resource_id -> BigInt,
    }
}

diesel::table! {
    etl.view_definition (name, version) {
        name -> Text,
        version -> Integer,
        table_name -> Text,
        resource_type -> Text,
        definition -> Text,
        state -> Text,
        resources -> BigInt,
        applied_at -> Timestamptz,
        filled_at -> Nullable<Timestamptz>,
        total_resources -> BigInt,
        until_file_id -> BigInt,
        filled_file_id -> BigInt,
        filled_position -> BigInt,
        problem -> Nullable<Text>,
    }
}

diesel::table! {
    etl.view_origin (origin, key) {
        origin -> Text,
        key -> Text,
        fingerprint -> Text,
        name -> Nullable<Text>,
        problem -> Nullable<Text>,
        seen_at -> Timestamptz,
    }
}

diesel::joinable!(access_token -> sender (sender_id));
diesel::joinable!(audit_event -> sender (sender_id));
diesel::joinable!(audit_event -> page_user (user_id));
diesel::joinable!(bulk_manifest -> export_job (job_id));
diesel::joinable!(bulk_manifest -> bulk_submission (submission_id));
diesel::joinable!(bulk_submission -> sender (sender_id));
diesel::joinable!(conditional_resource -> source (source_id));
diesel::joinable!(erasure_key -> erasure (erasure_id));
diesel::joinable!(erasure_subject -> erasure (erasure_id));
diesel::joinable!(erasure_subject -> source (source_id));
diesel::joinable!(erasure_task -> erasure (erasure_id));
diesel::joinable!(export_file -> export_job (job_id));
diesel::joinable!(export_job -> feed (feed_id));
diesel::joinable!(feed_file -> feed (feed_id));
diesel::joinable!(feed_file -> load_file (file_id));
diesel::joinable!(feed_offset -> feed (feed_id));
diesel::joinable!(load_batch -> load_file (file_id));
diesel::joinable!(load_file -> load_run (load_run_id));
diesel::joinable!(load_file -> source (source_id));
diesel::joinable!(notification -> notification_channel (channel));
diesel::joinable!(page_session -> page_user (user_id));
diesel::joinable!(rejected_record -> load_file (file_id));
diesel::joinable!(resolved_identifier -> source (source_id));
diesel::joinable!(sender -> source (source_id));
diesel::joinable!(sink -> source (source_id));
diesel::joinable!(sink_batch -> sink (sink_id));
diesel::joinable!(sink_refusal -> sink (sink_id));
diesel::joinable!(sink_request -> sink (sink_id));
diesel::joinable!(sink_resource -> sink (sink_id));
diesel::joinable!(skipped_range -> load_file (file_id));
diesel::joinable!(source_base_url -> source (source_id));
diesel::joinable!(undo -> load_file (file_id));
diesel::joinable!(undone_key -> source (source_id));
diesel::joinable!(upload -> sender (sender_id));
diesel::joinable!(upload_part -> upload (upload_id));
diesel::joinable!(used_proof -> sender (sender_id));

diesel::allow_tables_to_appear_in_same_query!(
    access_token,
    adopted_resource,
    audit_event,
    bulk_manifest,
    bulk_submission,
    code_map,
    conditional_resource,
    contained_resource,
    deidentified,
    deidentified_table,
    deviating_element,
    drug_class,
    erasure,
    erasure_key,
    erasure_subject,
    erasure_task,
    export_file,
    export_job,
    feed,
    feed_file,
    feed_offset,
    file_overlap,
    load_batch,
    load_file,
    load_run,
    login_failure,
    notification,
    notification_channel,
    page_session,
    page_user,
    reading_role,
    rejected_record,
    resolved_identifier,
    resource_body,
    resource_key,
    resource_version,
    row_since,
    sender,
    service,
    sink,
    sink_batch,
    sink_refusal,
    sink_request,
    sink_resource,
    skipped_range,
    snapshot,
    source,
    source_base_url,
    superseded_file,
    undo,
    undone_key,
    unmapped_element,
    unresolved_reference,
    upload,
    upload_part,
    used_proof,
    view_backlog,
    view_definition,
    view_origin,
);
