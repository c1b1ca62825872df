//! The list of all items, once: for the table, and for the tests that the macro writes.

use super::run::Item;
use super::subject::Subject;

/// Gives the list to another macro, behind what is for that.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_items {
    ($give:path, $($first:tt)*) => {
        $give! {
            $($first)*
            basics: [
                c01_payload_headers_key_id_and_time_come_as_they_were_sent
                c02_empty_and_absent_payloads_and_keys_are_told_apart
                c03_large_payloads_come_and_too_large_ones_are_refused_before_they_are_sent
                c04_headers_of_every_kind_are_kept_or_the_publication_is_refused
                c05_a_topic_gets_nothing_of_another
                c06_what_is_published_before_a_group_is_there
                c07_a_new_group_starts_at_the_earliest_message_or_at_the_next
                c08_many_topics_at_once_each_get_their_own
                c09_fifty_publishers_and_three_members_of_a_group_share_every_message_once
                c10_two_groups_each_get_everything
                c11_a_pattern_gets_what_it_matches_with_its_topic
                c12_a_typed_argument_refuses_another_content_type_and_a_choosing_one_obeys_it
            ]
            settlement: [
                c13_what_is_acknowledged_stays_so_when_the_application_is_started_again
                c18_a_rejected_message_goes_to_the_dead_letters
                c19_a_release_at_a_stop_does_not_raise_the_attempt_number
                c20_a_lease_that_is_dropped_comes_back
                c21_settling_twice_does_not_compile
                c22_settling_after_the_lease_was_lost_says_so
                c23_a_handler_three_times_longer_than_the_lease_keeps_it
                c24_nothing_is_lost_by_a_kill_after_completion_out_of_order
                c25_settling_while_reconnecting_has_a_typed_result
                c26_what_is_denied_is_refused
            ]
            retries: [
                c14_a_retry_comes_to_the_group_that_failed_alone
                c15_delayed_retries_are_on_time_with_ten_thousand_parked_while_fresh_messages_flow
                c16_a_delayed_retry_survives_a_kill_during_the_delay
                c17_the_attempt_number_rises_by_one
            ]
            order: [
                c27_a_key_keeps_its_order_with_eight_workers_and_two_members
                c28_order_survives_retries_in_place
                c29_a_delayed_retry_loses_its_place_and_the_others_keep_theirs
                c30_different_keys_overlap
                c31_in_flight_never_exceeds_the_bound
                c32_a_slow_key_does_not_stop_the_others_within_the_window
            ]
            membership: [
                c34_a_member_joins_in_mid_stream
                c35_a_member_leaves_politely
                c36_what_a_member_had_that_was_killed_is_taken_over
                c37_a_handler_longer_than_any_time_out_of_the_broker_stays_a_member
                c39_a_commit_after_revocation_is_refused_locally
                c40_every_way_of_being_a_member_hands_lanes_over_without_loss
            ]
            faults: [
                c41_what_was_confirmed_is_handled_though_the_server_is_killed
                c43_a_lost_confirmation_is_unknown_and_a_retry_loses_nothing
                c46_what_was_confirmed_is_handled_though_a_leader_moves
                c48_a_broker_that_comes_later_is_waited_for_as_long_as_was_said
                c49_wrong_credentials_fail_at_once_and_show_nothing
            ]
            failure: [
                c50_an_undecodable_payload_is_a_dead_letter_and_the_next_message_is_handled
                c51_a_panic_is_a_failure_like_another
                c52_a_missed_deadline_is_a_failure_like_another
                c53_retries_are_counted_and_bounded
                c54_errors_say_themselves_what_follows
                c55_a_dead_letter_carries_the_message_as_it_was_and_all_that_is_known
                c56_a_dead_letter_that_cannot_be_written_leaves_the_original_where_it_is
                c58_a_redrive_brings_dead_letters_back_to_their_group_with_new_attempts
                c59_a_bad_item_of_a_batch_fails_alone
            ]
            outage: [
                c93_an_outage_opens_the_breaker_and_no_message_is_a_dead_letter
                c94_a_message_that_ends_its_process_again_and_again_is_a_dead_letter
                c95_each_attempt_has_scoped_services_of_its_own_and_their_completion_can_fail_it
                c96_a_pattern_never_sees_dead_letters_or_retries
            ]
            life: [
                c61_a_drain_ends_intake_then_handlers_then_settlements_then_publications
                c62_what_is_not_finished_at_the_deadline_of_a_drain_is_released
                c64_closing_twice_is_no_error
                c66_one_subscriber_is_stopped_and_started_again
                c67_a_paused_subscriber_gets_nothing_and_loses_nothing
                c68_health_tells_the_truth
                c69_a_handler_that_is_cut_off_hears_of_it
            ]
            features: [
                c60_a_message_that_no_handler_takes_is_a_dead_letter
                c70_questions_have_their_own_answers_and_late_ones_are_dropped
                c71_a_message_is_acknowledged_after_its_results_are_confirmed
                c72_a_publication_that_fails_calls_the_handler_again
                c76_of_several_messages_with_one_id_one_is_kept
                c77_batches_end_by_their_size_and_by_time
                c78_a_scheduled_message_is_not_early
                c80_topics_can_be_made_twice_and_what_is_missing_is_reported
                c81_the_lag_is_what_a_group_has_not_finished
                c82_a_trace_goes_on_through_results_retries_and_dead_letters
                c83_metrics_have_the_same_names_and_labels_on_every_broker
                c84_no_error_shows_what_is_in_a_message
                c90_an_application_leaves_nothing_behind
            ]
        }
    };
}

macro_rules! table {
    ($($section:ident: [$($name:ident)*])*) => {
        /// Every item, in the order of the list.
        pub const ITEMS: &[Item] = &[
            $($(Item { name: stringify!($name), run: |test| Box::pin(super::$section::$name(test)) },)*)*
        ];
    };
}
__conformance_items!(table,);

/// Runs the item with this name: what the tests do that [`conformance_tests`](crate::conformance_tests) writes.
///
/// # Panics
///
/// When the subject does not pass, and for a name that no item has.
pub fn check(subject: &dyn Subject, name: &str) {
    ITEMS.iter().find(|item| item.name == name).unwrap().check(subject);
}

/// One `#[test]` for each item, for a [`Subject`](crate::conformance::Subject) that is a constant expression.
#[macro_export]
macro_rules! conformance_tests {
    ($subject:expr) => {
        $crate::__conformance_items!($crate::__conformance_test, $subject;);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ($subject:expr; $($section:ident: [$($name:ident)*])*) => {
        $($(
            #[test]
            fn $name() {
                $crate::conformance::check(&$subject, stringify!($name));
            }
        )*)*
    };
}
