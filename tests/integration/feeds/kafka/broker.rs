//! A real broker, Apache Kafka, which `scripts/fetch-kafka` fetches.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord};

use crate::support::{port_of_its_own, wait_until};

/// How long a producer waits for the broker.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A broker that is also the controller.
pub struct Broker {
    folder: PathBuf,
    port: u16,
    child: Child,
}

fn java(class: &str) -> Command {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka/lib/*");
    let mut command = Command::new("java");
    command.arg("-Xmx512m").arg("-cp").arg(lib).arg(class).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Broker {
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[], "", &[])
    }

    /// With more listeners, each with a name and an address, more settings, and options for
    /// the tool that formats the storage.
    pub fn start_with(folder: &Path, listeners: &[(&str, String)], more: &str, format: &[&str]) -> Self {
        let (port, controller) = (port_of_its_own(), port_of_its_own());
        fs::create_dir_all(folder).unwrap();
        let properties = folder.join("server.properties");
        let listeners: String =
            listeners.iter().map(|(name, address)| format!(",{name}://{address}")).collect();
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\n\
             controller.listener.names=CONTROLLER\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\
             SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\ngroup.initial.rebalance.delay.ms=0\nmessage.max.bytes=20000000\n\
             log.cleaner.backoff.ms=200\nlog.retention.check.interval.ms=500\nauto.create.topics.enable=false\n{more}",
            folder.join("data").display()
        );
        fs::write(&properties, text).unwrap();
        let mut tool = java("kafka.tools.StorageTool");
        tool.args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]).arg(&properties).args(format);
        assert!(tool.status().unwrap().success());
        let mut broker = Broker { folder: folder.to_owned(), port, child: Self::spawn(folder) };
        broker.wait();
        broker
    }

    fn spawn(folder: &Path) -> Child {
        let log = File::create(folder.join("log")).unwrap();
        java("kafka.Kafka").arg(folder.join("server.properties")).stdout(log).spawn().unwrap()
    }

    fn wait(&mut self) {
        let client = self.client().create::<AdminClient<DefaultClientContext>>().unwrap();
        wait_until("the broker answers", || {
            client
                .inner()
                .fetch_metadata(None, Duration::from_secs(1))
                .is_ok_and(|answer| !answer.brokers().is_empty())
        });
    }

    /// Killed as by a power failure, and started again.
    pub fn restart(&mut self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(&self.folder);
    }

    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", format!("127.0.0.1:{}", self.port))
            .set("message.max.bytes", "19000000");
        config
    }

    pub fn topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let client: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let mut topic =
            NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("max.message.bytes", "20000000");
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let created = runtime.block_on(client.create_topics([&topic], &AdminOptions::new())).unwrap();
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    /// Of the listener without any security.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn feed(&self, topics: &str, more: &str) -> String {
        format!(
            "[[feed]]\nname = \"events\"\nkind = \"kafka\"\nsource = \"north\"\nbrokers = [\"127.0.0.1:{}\"]\n\
             topics = {topics}\nmax_latency = \"100ms\"\nretry_wait = \"200ms\"\n{more}\n",
            self.port
        )
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send(producer: &BaseProducer, topic: &str, partition: i32, key: &str, value: Option<&[u8]>) {
    loop {
        let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(topic).partition(partition).key(key);
        record.payload = value;
        match producer.send(record) {
            Ok(()) => return,
            Err(_) => {
                producer.poll(Duration::from_millis(50));
            }
        }
    }
}
