//! All topics by their names, and the patterns that new ones join.

use super::hash::Fast;
use super::member::Member;
use super::topic::{Shared, Topic};
use crate::contract::{Pattern, Start};
use crate::sync::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

pub(super) struct Topics(Mutex<Index>);

#[derive(Default)]
struct Index {
    by_name: HashMap<Arc<str>, Arc<Topic>, Fast>,
    patterns: Vec<Listening>,
}

/// A group that listens to a pattern: also to topics that are made while no member is there.
struct Listening {
    pattern: Arc<str>,
    group: Arc<str>,
    members: Vec<Weak<Member>>,
}

/// How a topic is made.
#[derive(Clone)]
pub(super) struct Make {
    pub(super) capacity: usize,
    pub(super) partitions: u32,
    pub(super) shared: Arc<Shared>,
}

fn is_pattern(name: &str) -> bool {
    name.contains('{') && Pattern::parse(name).is_ok_and(|pattern| !pattern.is_topic())
}

/// Whether a topic is one of those that a pattern stands for; the place of another pattern is not.
fn matches(pattern: &str, topic: &str) -> bool {
    !is_pattern(topic) && Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(topic))
}

impl Topics {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look(&self, name: &str) -> Option<Arc<Topic>> {
        self.lock().by_name.get(name).cloned()
    }

    /// The topic with this name, made where there is none; `None` for a pattern, which stands for others.
    pub(super) fn get(&self, name: &str, make: &Make) -> Option<Arc<Topic>> {
        let mut index = self.lock();
        match index.by_name.get(name) {
            Some(_) | None if is_pattern(name) => None,
            Some(topic) => Some(topic.clone()),
            None => Some(index.make(name, make)),
        }
    }

    /// The place of a pattern itself: there are the retries of its groups.
    pub(super) fn place_of(&self, name: &str, make: &Make) -> Arc<Topic> {
        let mut index = self.lock();
        index.by_name.get(name).cloned().unwrap_or_else(|| index.make(name, make))
    }

    /// Seats a member at its topic, or at every topic that its pattern matches, now and later.
    pub(super) fn seat(&self, member: &Arc<Member>, start: Start, make: &Make) {
        let name = &member.of;
        let own = self.place_of(name, make);
        member.sit(&own, start);
        if !member.is_pattern {
            return;
        }
        let mut index = self.lock();
        let mut topics: Vec<_> = index.by_name.values().filter(|topic| matches(name, &topic.name)).cloned().collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics.iter().for_each(|topic| member.sit(topic, start));
        let known = index.patterns.iter().position(|other| other.pattern == *name && other.group == member.group);
        let known = known.unwrap_or_else(|| {
            let (pattern, group) = (name.clone(), member.group.clone());
            index.patterns.push(Listening { pattern, group, members: Vec::new() });
            index.patterns.len() - 1
        });
        let members = &mut index.patterns[known].members;
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(member));
    }

    /// Every topic.
    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        self.lock().by_name.values().cloned().collect()
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.lock().by_name.keys().filter(|name| !is_pattern(name)).cloned().collect();
        names.sort();
        names
    }

    /// What a group has not finished, at its topic or at all that its pattern matches.
    pub(super) fn lag(&self, of: &str, group: &str) -> Option<u64> {
        let topics = self.all();
        let own = topics.iter().filter(|topic| *topic.name == *of || matches(of, &topic.name));
        own.filter_map(|topic| topic.lag(group, of)).reduce(|lag, more| lag + more)
    }
}

impl Index {
    fn make(&mut self, name: &str, make: &Make) -> Arc<Topic> {
        let name: Arc<str> = name.into();
        let topic = Arc::new(Topic::new(name.clone(), make.capacity, make.partitions, make.shared.clone()));
        self.by_name.insert(name.clone(), topic.clone());
        // Nobody else has the topic yet, so its first message finds everybody in place.
        for Listening { pattern, group, members } in &self.patterns {
            if matches(pattern, &name) {
                topic.group(group, pattern, Start::Earliest);
                members.iter().filter_map(Weak::upgrade).for_each(|member| member.sit(&topic, Start::Earliest));
            }
        }
        topic
    }
}
